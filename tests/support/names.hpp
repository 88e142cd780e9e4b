// Names that no other test uses, and their removal: segments in /dev/shm, directories in the temp
// folder.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "core/segment.hpp"

namespace sluice::test {

inline std::string unique_name(const std::string& prefix) {
  static std::atomic<unsigned> count{0};
  return prefix + std::to_string(::getpid()) + "-" + std::to_string(count.fetch_add(1));
}

// An instance name; every object of it is removed at the end.
class UniqueInstance {
 public:
  UniqueInstance() : name_(unique_name("t")) {}
  ~UniqueInstance() {
    for (const std::string& object : list_objects(name_))
      std::filesystem::remove("/dev/shm/" + object);
  }
  UniqueInstance(const UniqueInstance&) = delete;
  UniqueInstance& operator=(const UniqueInstance&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string object(const std::string& what) const {
    return segment_name(name_, what);
  }
  [[nodiscard]] std::string path(const std::string& what) const {
    return "/dev/shm/" + object(what);
  }

 private:
  std::string name_;
};

class TempDir {
 public:
  TempDir() : path_(std::filesystem::temp_directory_path() / unique_name("sluice-test-")) {
    std::filesystem::create_directories(path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sluice::test
