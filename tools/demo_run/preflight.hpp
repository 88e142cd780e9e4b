// What is checked before anything is started: each failure is one line that says what to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/pipeline.hpp"

namespace sluice::demo {

// Each throws Error.
void check_executables(const std::filesystem::path& bin_dir);
void check_instance_is_free(const std::string& instance);
void check_shared_memory(const PipelineConfig& pipeline);

// Bytes of /dev/shm that the objects of this configuration take, in whole pages.
std::uint64_t shared_memory_needed(const PipelineConfig& pipeline);

}  // namespace sluice::demo
