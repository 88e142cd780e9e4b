#include "core/checkpoint_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "core/build.hpp"
#include "core/segment.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::uint64_t kMagic = 0x0154504b434c53;  // "SLCKPT" and a version
constexpr std::string_view kSuffix = ".checkpoint";
constexpr std::size_t kHeadWords = sizeof(JournalFileHeader) / sizeof(std::uint64_t) + 2;

std::string name_at(const std::string& journal, std::uint64_t position) {
  std::array<char, 32> digits;
  std::snprintf(digits.data(), digits.size(), ".%014llu",
                static_cast<unsigned long long>(position));
  return journal + digits.data() + std::string(kSuffix);
}

std::uint64_t check_of(const JournalFileHeader& header) noexcept {
  std::array<std::uint64_t, sizeof header / 8> words;
  std::memcpy(words.data(), &header, sizeof header);
  return crc32c(std::span(words).first(words.size() - 1));
}

std::vector<std::uint64_t> image_of(const JournalFileHeader& identity,
                                    const Checkpoint& checkpoint) {
  JournalFileHeader header = identity;
  header.magic = kMagic;
  header.build_id = {};
  build_id().copy(header.build_id.data(), header.build_id.size() - 1);
  header.layout_hash = schema_hash();
  header.first_position = checkpoint.position;
  header.check = check_of(header);
  std::vector<std::uint64_t> image(kHeadWords);
  std::memcpy(image.data(), &header, sizeof header);
  image[kHeadWords - 2] = checkpoint.words.size() * sizeof(std::uint64_t);
  image[kHeadWords - 1] = checkpoint_crc(checkpoint.position, checkpoint.words);
  image.insert(image.end(), checkpoint.words.begin(), checkpoint.words.end());
  return image;
}

int write_all(int fd, const std::vector<std::uint64_t>& image) noexcept {
  const char* from = reinterpret_cast<const char*>(image.data());
  const std::size_t size = image.size() * sizeof(std::uint64_t);
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pwrite(fd, from + done, size - done, static_cast<off_t>(done));
    if (n > 0) done += static_cast<std::size_t>(n);
    if (n == 0) return EIO;
    if (n < 0 && errno != EINTR) return errno;
  }
  return ::fsync(fd) != 0 ? errno : 0;
}

int sync_directory(const fs::path& dir) noexcept {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  return error;
}

int write_file(const fs::path& path, const std::vector<std::uint64_t>& image) {
  const fs::path fresh = path.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return errno;
  int error = write_all(fd, image);
  ::close(fd);
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(fresh.c_str());
  if (error == 0) error = sync_directory(path.parent_path());
  if (error != 0) ::unlink(path.c_str());  // its name is not durable: it is made again
  return error;
}

// The checkpoint in the file, or what is wrong with it.
std::string read_file(const fs::path& path, std::uint64_t run_id, Checkpoint& out) {
  std::ifstream file(path, std::ios::binary);
  std::array<std::uint64_t, kHeadWords> head{};
  if (!file.read(reinterpret_cast<char*>(head.data()), sizeof head)) return "is torn";
  JournalFileHeader header;
  std::memcpy(&header, head.data(), sizeof header);
  if (header.magic != kMagic || header.check != check_of(header))
    return "is not a checkpoint, or its header is damaged";
  if (header.layout_hash != schema_hash() || std::string_view(header.build_id.data()) != build_id())
    return "was written by another build";
  if (header.run_id != run_id) return "belongs to another run";
  const std::uint64_t bytes = head[kHeadWords - 2];
  if (bytes > kCheckpointBytes || bytes % sizeof(std::uint64_t) != 0) return "is damaged";
  out.position = header.first_position;
  out.words.resize(bytes / sizeof(std::uint64_t));
  if (!file.read(reinterpret_cast<char*>(out.words.data()), static_cast<std::streamsize>(bytes)))
    return "is torn";
  return checkpoint_crc(out.position, out.words) == head[kHeadWords - 1] ? ""
                                                                         : "fails its checksum";
}

}  // namespace

int store_checkpoint(const fs::path& dir, const std::string& journal,
                     const JournalFileHeader& identity, const Checkpoint& checkpoint) noexcept {
  try {
    return write_file(dir / name_at(journal, checkpoint.position), image_of(identity, checkpoint));
  } catch (...) {
    return ENOMEM;
  }
}

FiledCheckpoint newest_filed_checkpoint(const fs::path& dir, const std::string& journal,
                                        std::uint64_t run_id, std::uint64_t limit) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator at(dir, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(journal + ".") && name.ends_with(kSuffix)) paths.push_back(at->path());
  }
  std::sort(paths.rbegin(), paths.rend());  // names sort by position
  FiledCheckpoint result;
  for (const fs::path& path : paths) {
    Checkpoint checkpoint;
    const std::string wrong = read_file(path, run_id, checkpoint);
    if (!wrong.empty()) {
      result.refused.push_back(path.string() + ": " + wrong);
    } else if (checkpoint.position <= limit) {
      result.found = std::move(checkpoint);
      break;
    }
  }
  return result;
}

}  // namespace sluice
