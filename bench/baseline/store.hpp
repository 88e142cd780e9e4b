// The file of a baseline.
#pragma once

#include <filesystem>

#include "bench/baseline/document.hpp"

namespace sluice::bench {

// Written beside, synced and renamed: under its name a file is whole or not there. Throws Error
// that names the file and what keeps it from being written; what was there before stays.
void save(const std::filesystem::path& path, const Document& document);

// Throws Error: Usage if there is no such file, Unqualified if it is damaged or of another schema.
Document load(const std::filesystem::path& path);

}  // namespace sluice::bench
