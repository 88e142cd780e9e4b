// Every system call that the recorder makes for its files fails once, with every errno that it may
// give, at every place of a life: first start, writing, rotation, sync, drain, restart. Whatever
// fails, no committed entry is lost, no file ends up wrong, and trouble is shown to the gates at
// once. The calls are this executable's own: they come before those of the C library.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <fstream>
#include <map>

#include "core/checkpoint_file.hpp"
#include "core/error.hpp"
#include "core/instance.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"
#include "tools/recorder/recorder.hpp"

namespace {

// What fails: the call with this number, counted over all kinds, or every one of `kind` from there
// on.
struct Plan {
  std::atomic<bool> watching{false};
  std::atomic<long> calls{0};
  std::atomic<long> fail_at{-1};
  std::atomic<int> error{0};
  std::atomic<bool> lasting{false};
  std::atomic<bool> short_write{false};
  std::atomic<const char*> failed{nullptr};  // name of the call that did
  std::atomic<std::int64_t> clock_ns{0};     // moves with every look: no waiting for retries
};
Plan plan;

bool fails(const char* name) {
  if (!plan.watching.load()) return false;
  const long call = plan.calls.fetch_add(1);
  const long at = plan.fail_at.load();
  if (plan.short_write.load() && std::string_view(name) != "pwrite") return false;
  if (at < 0 || (plan.lasting.load() ? call < at : call != at)) return false;
  plan.failed.store(name);
  errno = plan.error.load();
  return true;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (fails("open")) return -1;
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
  const bool failing = fails("pwrite");
  if (failing && !plan.short_write.load()) return -1;
  // A short write is not a failure yet: 20 bytes more than half of the whole.
  if (failing) size = size / 2 + (size > 40 ? 20 : 0);
  return ::syscall(SYS_pwrite64, fd, from, size, at);
}
ssize_t pread(int fd, void* to, size_t size, off_t at) {
  if (fails("pread")) return -1;
  return ::syscall(SYS_pread64, fd, to, size, at);
}
int ftruncate(int fd, off_t size) noexcept {
  if (fails("ftruncate")) return -1;
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
int fdatasync(int) {  // no power is lost here
  return fails("fdatasync") ? -1 : 0;
}
int fsync(int) {
  return fails("fsync") ? -1 : 0;
}
int fstat(int fd, struct stat* out) noexcept {
  if (fails("fstat")) return -1;
  return static_cast<int>(::syscall(SYS_fstat, fd, out));
}
int statvfs(const char* path, struct statvfs* out) noexcept {
  static_cast<void>(path);
  if (fails("statvfs")) return -1;
  *out = {};
  out->f_frsize = 4'096;
  out->f_bavail = 1'000'000;
  return 0;
}
int unlink(const char* path) noexcept {
  if (fails("unlink")) return -1;
  return static_cast<int>(::syscall(SYS_unlink, path));
}
int mkdir(const char* path, mode_t mode) noexcept {
  if (fails("mkdir")) return -1;
  return static_cast<int>(::syscall(SYS_mkdir, path, mode));
}
int rename(const char* from, const char* to) noexcept {
  if (fails("rename")) return -1;
  return static_cast<int>(::syscall(SYS_rename, from, to));
}
int fstatat(int dir, const char* path, struct stat* out, int flags) noexcept {
  if (fails("fstatat")) return -1;
  return static_cast<int>(::syscall(SYS_newfstatat, dir, path, out, flags));
}
DIR* opendir(const char* path) {
  if (fails("opendir")) return nullptr;
  static const auto real = reinterpret_cast<DIR* (*)(const char*)>(::dlsym(RTLD_NEXT, "opendir"));
  return real(path);
}
dirent* readdir(DIR* dir) {
  if (fails("readdir")) return nullptr;
  static const auto real = reinterpret_cast<dirent* (*)(DIR*)>(::dlsym(RTLD_NEXT, "readdir"));
  return real(dir);
}
int clock_gettime(clockid_t clock, timespec* out) noexcept {
  if (!plan.watching.load()) return static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
  const std::int64_t now = plan.clock_ns.fetch_add(3'000'000);
  *out = {static_cast<time_t>(now / 1'000'000'000), now % 1'000'000'000};
  return 0;
}

}  // extern "C"

namespace sluice {
namespace {

constexpr std::array kJournals{Process::Seat0, Process::Risk};
constexpr std::uint64_t kEntriesPerStep = 23;
constexpr int kSteps = 6;
constexpr std::uint64_t kOldBytes = 1 << 20;
constexpr const char* kOldFile = "risk.00000000000000.journal";

Payload entry_payload(std::uint64_t n) {
  Control control{};
  control.kind = ControlKind::Continue;
  control.scope = ScopeKind::Global;
  control.after = static_cast<std::int64_t>(n);
  return to_payload(control);
}

// A life of the recorder over two journals and the paper log.
class Life {
 public:
  Life() {
    objects_.control = memory_.objects().control;
    objects_.kill = memory_.objects().kill;
    objects_.paper_log = memory_.objects().paper_log;
    objects_.stage = memory_.objects().stage;
    for (const Process p : kJournals) {
      const auto i = static_cast<std::size_t>(p);
      objects_.journal[i] = memory_.objects().journal[i];
      objects_.checkpoint[i] = memory_.objects().checkpoint[i];
      writers_.emplace(p, JournalWriter(memory_.objects().journal_of(p), 0, HostTime{1}));
    }
    // Finished runs; one of them is too much for the budget.
    for (const auto run : std::array<std::uint16_t, 3>{1, 2, 3}) {
      const auto dir = run_directory(dir_.path(), run);
      std::filesystem::create_directories(dir);
      std::ofstream(dir / kOldFile) << "x";
      std::filesystem::resize_file(dir / kOldFile, kOldBytes);
    }
  }

  // The whole script, started again after each failed start.
  void live() {
    plan.clock_ns.store(1'000'000'000'000);
    for (int step = 0; step < kSteps; ++step) {
      append();
      if (step % 3 == 0) recorder_.reset();  // first start, and a restart over what it wrote
      ensure_recorder();
      for (int turn = 0; turn < 3; ++turn) {
        plan.failed.store(nullptr);
        recorder_->turn();
        check_after_turn();
      }
    }
  }
  // Nothing fails any more: all that was committed gets into the files.
  void end_well() {
    ensure_recorder();
    for (int i = 0; i < 200 && !drained(); ++i) recorder_->turn();
    recorder_->drain();
    recorder_.reset();
    plan.watching.store(false);
    for (const auto& [process, writer] : writers_) expect_whole(process);
  }

  // Of a life in which nothing failed.
  void expect_housekeeping() {
    EXPECT_FALSE(std::filesystem::exists(run_directory(dir_.path(), 1) / kOldFile));
    EXPECT_TRUE(std::filesystem::exists(run_directory(dir_.path(), 2) / kOldFile));
    for (const Process p : kJournals) {
      const FiledCheckpoint filed = newest_filed_checkpoint(
          run_directory(dir_.path(), toy_ordinal()), std::string(name_of(p)),
          memory_.objects().control->header.run_id, ~std::uint64_t{0});
      ASSERT_TRUE(filed.found) << name_of(p);
      EXPECT_TRUE(filed.refused.empty());
    }
  }

  int refused_starts = 0;
  std::string last_refusal;
  int troubles_shown = 0;

 private:
  void append() {
    for (auto& [process, writer] : writers_) {
      for (std::uint64_t i = 0; i < kEntriesPerStep && writer.room() >= 2; ++i) {
        written_[process].push_back(entry_payload(written_[process].size()));
        writer.append(Edge::Control, written_[process].back(), HostTime{100});
      }
      writer.commit();
      CheckpointWriter checkpoint(memory_.objects().checkpoint_of(process), writer.next());
      const std::array<std::uint64_t, 2> state{writer.next(), 1};
      checkpoint.put(state.data(), sizeof state);
      checkpoint.finish();
    }
  }

  void ensure_recorder() {
    RecorderConfig config{};
    config.sync = Duration::millis(1);
    config.rotate_bytes = 40 * sizeof(JournalSlot);
    config.disk_floor_bytes = 1;
    config.retention = {1, 0, 3 * kOldBytes};
    for (int attempt = 0; attempt < 50 && !recorder_; ++attempt) {
      try {
        recorder_ = std::make_unique<Recorder>(config, objects_, dir_.path());
      } catch (const Error& error) {
        ++refused_starts;
        last_refusal = error.what();
        plan.lasting.store(false);  // somebody has mended it
      }
    }
    ASSERT_TRUE(recorder_) << last_refusal;
  }

  // An entry is in the ring or in the files; what could not be done shows on every journal's flags.
  void check_after_turn() {
    const char* failed = plan.failed.load();
    bool shown = false;
    for (const Process p : kJournals)
      shown = shown || memory_.objects().journal_of(p).flags.load() != 0;
    troubles_shown += shown ? 1 : 0;
    const bool harmless = failed == nullptr || std::string_view(failed) == "unlink" ||
                          plan.error.load() == EINTR || plan.short_write.load() ||
                          std::string_view(failed) == "fdatasync";  // on its thread: shown later
    EXPECT_TRUE(shown || harmless) << failed << " failed and no gate can see it";
  }

  bool drained() {
    for (const Process p : kJournals) {
      const JournalMemory& journal = memory_.objects().journal_of(p);
      if (journal.head.load() != journal.tail.load()) return false;
    }
    return true;
  }

  void expect_whole(Process process) {
    JournalFiles files(run_directory(dir_.path(), toy_ordinal()), std::string(name_of(process)));
    const std::vector<Payload>& wanted = written_[process];
    const JournalMemory& journal = memory_.objects().journal_of(process);
    EXPECT_EQ(files.first(), 0u);
    ASSERT_EQ(files.end(), journal.tail.load());
    EXPECT_EQ(files.torn_bytes(), 0u);
    JournalDecoder decoder;
    std::size_t inputs = 0;
    for (std::uint64_t at = 0; at < files.end(); ++at) {
      JournalSlot raw{};
      JournalEntry entry;
      ASSERT_TRUE(files.read(at, raw));
      const auto status = decoder.decode(raw, at, entry);
      ASSERT_NE(status, JournalDecoder::Status::Corrupt) << files.where(at);
      if (status != JournalDecoder::Status::Input) continue;
      ASSERT_EQ(entry.payload, wanted.at(inputs++)) << files.where(at);
    }
    EXPECT_EQ(inputs, wanted.size());
  }
  std::uint16_t toy_ordinal() { return memory_.objects().control->header.run_ordinal; }

  const test::TempDir dir_;
  MemoryInstance memory_{test::toy_config({.ring = 16, .journal = 256}), test::toy_run()};
  Objects objects_;
  std::map<Process, JournalWriter> writers_;
  std::map<Process, std::vector<Payload>> written_;
  std::unique_ptr<Recorder> recorder_;
};

struct Kind {
  int error;
  bool lasting;
  bool short_write;
};

// Runs one life with the fault; false if there was no such call any more.
bool try_fault(long at, const Kind& kind, std::map<std::string, long>& hit) {
  Life life;
  plan.calls.store(0);
  plan.failed.store(nullptr);
  plan.error.store(kind.error);
  plan.lasting.store(kind.lasting);
  plan.short_write.store(kind.short_write);
  plan.fail_at.store(at);
  plan.watching.store(true);
  life.live();
  const bool reached = plan.calls.load() > at;
  plan.fail_at.store(-1);
  life.end_well();
  if (!reached) life.expect_housekeeping();
  plan.watching.store(false);
  if (reached && life.refused_starts > 0) {
    EXPECT_FALSE(life.last_refusal.empty());
    ++hit["refused starts"];
  }
  if (life.troubles_shown > 0) ++hit["shown to the gates"];
  return reached;
}

class RecorderFaults : public testing::TestWithParam<Kind> {};

TEST_P(RecorderFaults, NoCommittedEntryIsLostWhateverCallFails) {
  std::map<std::string, long> hit;
  long at = 0;
  for (; at < 5'000; ++at) {
    if (!try_fault(at, GetParam(), hit)) break;
    ASSERT_FALSE(testing::Test::HasFailure())
        << "call " << at << ", " << strerror(GetParam().error);
  }
  std::printf("%ld calls failed one by one (%s%s)", at, strerror(GetParam().error),
              GetParam().lasting ? ", until the next start" : "");
  for (const auto& [what, n] : hit) std::printf("; %s %ld", what.c_str(), n);
  std::printf("\n");
  EXPECT_GT(at, 60) << "the script makes fewer calls than it must";
}

INSTANTIATE_TEST_SUITE_P(Each, RecorderFaults,
                         testing::Values(Kind{ENOSPC, false, false}, Kind{ENOSPC, true, false},
                                         Kind{EIO, false, false}, Kind{EIO, true, false},
                                         Kind{EDQUOT, true, false}, Kind{EINTR, false, false},
                                         Kind{EACCES, true, false}, Kind{EMFILE, true, false},
                                         Kind{EROFS, true, false}, Kind{0, false, true}),
                         [](const auto& with) {
                           const Kind& k = with.param;
                           return std::string(k.short_write ? "Short" : strerrorname_np(k.error)) +
                                  (k.lasting ? "Lasting" : "");
                         });

}  // namespace
}  // namespace sluice
