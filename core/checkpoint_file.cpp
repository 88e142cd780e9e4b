#include "core/checkpoint_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "core/build.hpp"
#include "core/run_files.hpp"
#include "core/segment.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::uint64_t kCheckpointMagic = 0x0154504b434c53;  // "SLCKPT" and a version
constexpr std::size_t kHeadWords = sizeof(JournalFileHeader) / sizeof(std::uint64_t) + 2;

std::vector<std::uint64_t> image_of(const JournalFileHeader& identity,
                                    const Checkpoint& checkpoint) {
  JournalFileHeader header = identity;
  header.magic = kCheckpointMagic;
  header.build_id = {};
  build_id().copy(header.build_id.data(), header.build_id.size() - 1);
  header.layout_hash = schema_hash();
  header.first_position = checkpoint.position;
  header.check = header.checksum();
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
  if (header.magic != kCheckpointMagic || header.check != header.checksum())
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
    return write_file(dir / run_file_name(journal, checkpoint.position, kCheckpointSuffix),
                      image_of(identity, checkpoint));
  } catch (...) {
    return ENOMEM;
  }
}

FiledCheckpoint newest_filed_checkpoint(const fs::path& dir, const std::string& journal,
                                        std::uint64_t run_id, std::uint64_t limit) {
  std::error_code unreadable;  // then nothing was filed that could be taken
  FiledCheckpoint result;
  for (const fs::path& path : run_files(dir, journal, kCheckpointSuffix, unreadable)) {
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
