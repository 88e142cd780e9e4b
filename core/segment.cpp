#include "core/segment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/checkpoint.hpp"
#include "core/control_page.hpp"
#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/ring.hpp"
#include "core/stage_page.hpp"

namespace bi = boost::interprocess;

namespace sluice {

struct Segment::State {
  bi::shared_memory_object object;
  bi::mapped_region region;
  uid_t owner = 0;
};

Segment::Segment() = default;
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

void* Segment::data() const noexcept {
  return state_ ? state_->region.get_address() : nullptr;
}
std::size_t Segment::size() const noexcept {
  return state_ ? state_->region.get_size() : 0;
}

uid_t Segment::owner() const noexcept {
  return state_ ? state_->owner : geteuid();
}

FileId Segment::file() const noexcept {
  struct stat info {};
  if (!state_ || ::fstat(state_->object.get_mapping_handle().handle, &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

std::string segment_name(std::string_view instance, std::string_view object) {
  std::string name("sluice.");
  name.append(instance).append(".").append(object);
  return name;
}

std::string_view name_of(AttachError error) noexcept {
  switch (error) {
    case AttachError::None: return "attached";
    case AttachError::NotFound: return "does not exist";
    case AttachError::NoPermission: return "permission denied";
    case AttachError::Symlink: return "is a symbolic link";
    case AttachError::NotRegular: return "is not a regular object";
    case AttachError::WrongOwner: return "is owned by somebody else";
    case AttachError::LooseMode: return "is open to others";
    case AttachError::TooSmall: return "is smaller than its header";
    case AttachError::NotReady: return "is not ready (being created, or its run has ended)";
    case AttachError::BadMagic: return "is not one of ours";
    case AttachError::LayoutMismatch: return "was made by another build (layout hash differs)";
    case AttachError::SizeMismatch: return "has another size than its header says";
    case AttachError::WrongInstance: return "belongs to another instance";
    case AttachError::WrongMode: return "belongs to another mode";
    case AttachError::WrongRun: return "belongs to another run";
    case AttachError::WrongBoot: return "is left over from before the last boot";
    case AttachError::WrongObject: return "is another kind of object";
    case AttachError::NoMemory: return "cannot be mapped";
    case AttachError::Linked: return "has a second name";
  }
  return "?";
}

std::string_view advice_for(AttachError error) noexcept {
  switch (error) {
    case AttachError::None: return "";
    case AttachError::NotFound: return "start sluice-supervisor for this instance";
    case AttachError::NoPermission: return "run as a member of the instance's group";
    case AttachError::Symlink:
    case AttachError::NotRegular:
    case AttachError::Linked:
    case AttachError::BadMagic: return "remove it by hand: it was not made by sluice";
    case AttachError::WrongOwner:
    case AttachError::LooseMode:
      return "check who made it; its mode must be 0660 or tighter, its list as [access] says";
    case AttachError::TooSmall:
    case AttachError::NotReady: return "wait for the supervisor, or start it";
    case AttachError::LayoutMismatch:
      return "stop the instance and start all processes from one build";
    case AttachError::SizeMismatch:
    case AttachError::WrongObject:
    case AttachError::WrongRun:
      return "end that run, then sluicectl clean; nothing replaces it by itself";
    case AttachError::WrongBoot: return "start sluice-supervisor: it removes what a dead run left";
    case AttachError::WrongInstance:
    case AttachError::WrongMode: return "check --instance and the configuration's mode";
    case AttachError::NoMemory: return "check the memory limits of this process";
  }
  return "";
}

std::uint64_t schema_hash() noexcept {
  static constexpr std::uint64_t kRecords =
      fnv1a(layout_hash<Tick>(),
            fnv1a(layout_hash<Intent>(),
                  fnv1a(layout_hash<Order>(),
                        fnv1a(layout_hash<Report>(),
                              fnv1a(layout_hash<Event>(),
                                    fnv1a(layout_hash<Control>(), layout_hash<PaperEntry>()))))));
  static constexpr std::uint64_t kPages = fnv1a(
      sizeof(ControlPage),
      fnv1a(sizeof(KillPage),
            fnv1a(sizeof(StagePage),
                  fnv1a(sizeof(RingMemory),
                        fnv1a(sizeof(JournalMemory), fnv1a(sizeof(CheckpointMemory), kRecords))))));
  return kPages;
}

std::uint64_t layout_hash_of(ObjectKind kind) noexcept {
  constexpr std::uint64_t kKillFormat = 1;  // of the word and the raise protocol
  static constexpr std::uint64_t kKill =
      fnv1a(sizeof(KillPage),
            fnv1a(sizeof(SegmentHeader), fnv1a(kKillFormat, fnv1a(std::string_view("kill")))));
  return kind == ObjectKind::Kill ? kKill : schema_hash();
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::getline(file, text);
    return text;
  }();
  return id;
}

namespace {

[[noreturn]] void no_room(const std::string& name, std::size_t size, int error) {
  struct statvfs fs {};
  std::string have = "?";
  if (statvfs("/dev/shm", &fs) == 0) have = std::to_string(fs.f_bavail * fs.f_frsize / 1024);
  bi::shared_memory_object::remove(name.c_str());
  throw Error(
      "/dev/shm/" + name + ": cannot allocate " + std::to_string(size / 1024) + " KiB (" +
      std::strerror(error) + "; " + have +
      " KiB free): make /dev/shm larger or the rings smaller ([rings] in the configuration)");
}

// Ours, root's, or our group's. That the kernel let us open it proves nothing: an access list may
// name anybody. Root is in every group.
bool trusted(const struct stat& info) noexcept {
  if (info.st_uid == geteuid() || info.st_uid == 0) return true;
  return (info.st_mode & S_IRGRP) != 0 && (geteuid() == 0 || member_of(info.st_gid));
}

AttachError check_object(int fd, const Expected& expected, uid_t& owner) noexcept {
  struct stat info {};
  if (fstat(fd, &info) != 0) return AttachError::NoPermission;
  if (!S_ISREG(info.st_mode)) return AttachError::NotRegular;
  if (info.st_nlink > 1) return AttachError::Linked;
  if ((info.st_mode & S_IRWXO) != 0) return AttachError::LooseMode;
  if (expected.owner ? info.st_uid != *expected.owner : !trusted(info))
    return AttachError::WrongOwner;
  if (expected.access != nullptr && looser(fd, *expected.access)) return AttachError::LooseMode;
  owner = info.st_uid;
  if (info.st_size < static_cast<off_t>(sizeof(SegmentHeader))) return AttachError::TooSmall;
  return AttachError::None;
}

// Sizes and capacities become offsets and masks: they must describe the object exactly.
bool describes_itself(const SegmentHeader& header) noexcept {
  const std::uint64_t capacity = header.capacity;
  const bool sane = capacity <= header.size;  // so that no product below wraps
  const bool power = sane && capacity != 0 && (capacity & (capacity - 1)) == 0;
  switch (header.kind) {
    case ObjectKind::Control: return capacity == 0 && header.size == sizeof(ControlPage);
    case ObjectKind::Kill: return capacity == 0 && header.size == sizeof(KillPage);
    case ObjectKind::Stage: return capacity == 0 && header.size == sizeof(StagePage);
    case ObjectKind::Ring: return power && header.size == RingMemory::bytes(capacity);
    case ObjectKind::Journal: return power && header.size == JournalMemory::bytes(capacity);
    case ObjectKind::Checkpoint:
      return capacity == kCheckpointBytes && header.size == CheckpointMemory::bytes(capacity);
    case ObjectKind::LastValue: return capacity == 0 && header.size == kLastValueBytes;
  }
  return false;
}

AttachError check_header(const SegmentHeader& header, std::size_t mapped,
                         const Expected& expected) {
  const std::uint64_t magic = header.magic.load(std::memory_order_acquire);  // pairs with publish
  if (magic == 0) return AttachError::NotReady;
  if (magic != kMagic) return AttachError::BadMagic;
  if (header.layout_hash != layout_hash_of(header.kind)) return AttachError::LayoutMismatch;
  if (header.size != mapped || !describes_itself(header)) return AttachError::SizeMismatch;
  if (header.instance_name() != expected.instance) return AttachError::WrongInstance;
  if (boot_id() != header.boot_id.data()) return AttachError::WrongBoot;
  if (header.kind != expected.kind || header.edge != expected.edge) return AttachError::WrongObject;
  if (expected.run_id == 0) return AttachError::None;
  if (header.run_id != expected.run_id) return AttachError::WrongRun;
  if (header.mode != expected.mode) return AttachError::WrongMode;
  return AttachError::None;
}

// Nobody but us could open it so far.
void give(int fd, const AccessList& access, const std::string& name) {
  try {
    apply(fd, access, "/dev/shm/" + name);
  } catch (const Error&) {
    bi::shared_memory_object::remove(name.c_str());
    throw;
  }
}

AttachError from_interprocess(const bi::interprocess_exception& error) noexcept {
  switch (error.get_native_error()) {
    case ENOENT: return AttachError::NotFound;
    case ELOOP: return AttachError::Symlink;
    case EACCES:
    case EPERM: return AttachError::NoPermission;
    default: return AttachError::NoMemory;
  }
}

}  // namespace

Segment Segment::create(const std::string& name, std::size_t size, const AccessList* access) {
  Segment segment;
  segment.state_ = std::make_unique<State>();
  bool created = false;
  try {
    bi::permissions mode;
    mode.set_permissions(access != nullptr ? 0600 : 0660);
    segment.state_->object =
        bi::shared_memory_object(bi::create_only, name.c_str(), bi::read_write, mode);
    created = true;
    const int fd = segment.state_->object.get_mapping_handle().handle;
    segment.state_->owner = geteuid();
    if (access != nullptr) give(fd, *access, name);
    // posix_fallocate answers ENOSPC now; ftruncate would succeed and the first touch kill us
    // later.
    if (const int error = posix_fallocate(fd, 0, static_cast<off_t>(size)); error != 0)
      no_room(name, size, error);
    segment.state_->region = bi::mapped_region(segment.state_->object, bi::read_write, 0, size,
                                               nullptr, MAP_SHARED | MAP_POPULATE);
  } catch (const bi::interprocess_exception& error) {
    if (created) bi::shared_memory_object::remove(name.c_str());
    const std::string advice = error.get_native_error() == EEXIST
                                   ? "an instance of this name exists already"
                                   : "is /dev/shm mounted and writable for this user?";
    throw Error("/dev/shm/" + name + ": cannot create: " + std::strerror(error.get_native_error()) +
                ": " + advice);
  }
  return segment;
}

void Segment::publish(SegmentHeader& header) noexcept {
  header.magic.store(kMagic, std::memory_order_release);  // pairs with check_header
}

AttachError Segment::attach(const std::string& name, Access access, const Expected& expected,
                            Segment& out) {
  // Looked at before it is opened: opening a pipe waits for its other end.
  struct stat planted {};
  if (::lstat(("/dev/shm/" + name).c_str(), &planted) == 0 && !S_ISREG(planted.st_mode) &&
      !S_ISLNK(planted.st_mode))
    return AttachError::NotRegular;
  auto state = std::make_unique<State>();
  const bi::mode_t mode = access == Access::ReadOnly ? bi::read_only : bi::read_write;
  try {
    state->object = bi::shared_memory_object(bi::open_only, name.c_str(), mode);
    const int fd = state->object.get_mapping_handle().handle;
    if (const AttachError error = check_object(fd, expected, state->owner);
        error != AttachError::None)
      return error;
    state->region =
        bi::mapped_region(state->object, mode, 0, 0, nullptr, MAP_SHARED | MAP_POPULATE);
  } catch (const bi::interprocess_exception& error) {
    return from_interprocess(error);
  }
  const auto& header = *static_cast<const SegmentHeader*>(state->region.get_address());
  if (const AttachError error = check_header(header, state->region.get_size(), expected);
      error != AttachError::None)
    return error;
  out.state_ = std::move(state);
  return AttachError::None;
}

bool Segment::remove(const std::string& name) noexcept {
  return bi::shared_memory_object::remove(name.c_str());
}

std::vector<std::string> list_objects(std::string_view instance) {
  const std::string prefix = segment_name(instance, "");
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored))
    if (entry.path().filename().string().starts_with(prefix))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> list_instances() {
  std::set<std::string> instances;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view kPrefix = "sluice.";
    constexpr std::string_view kSuffix = ".control";
    if (name.size() > kPrefix.size() + kSuffix.size() && name.starts_with(kPrefix) &&
        name.ends_with(kSuffix))
      instances.insert(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
  }
  return {instances.begin(), instances.end()};
}

}  // namespace sluice
