// What the files of a run have in common: their names, and that a name is durable only with its
// directory.
//
//   <state_dir>/runs/<ordinal>/<journal>.<position, 14 digits><suffix>
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sluice {

inline constexpr std::string_view kJournalSuffix = ".journal";
inline constexpr std::string_view kCheckpointSuffix = ".checkpoint";

std::string run_file_name(const std::string& journal, std::uint64_t position,
                          std::string_view suffix);

bool is_run_file(const std::string& name, const std::string& journal,
                 std::string_view suffix) noexcept;

// Highest position first. What ended the listing early is in `error`.
std::vector<std::filesystem::path> run_files(const std::filesystem::path& dir,
                                             const std::string& journal, std::string_view suffix,
                                             std::error_code& error);

// 0, or the errno of the call that failed.
int sync_directory(const std::filesystem::path& dir) noexcept;

}  // namespace sluice
