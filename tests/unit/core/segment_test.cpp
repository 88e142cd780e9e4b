// Real objects in /dev/shm: creation on full memory, and every reason for which attaching is
// refused.
#include "core/segment.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <set>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "tests/support/names.hpp"
#include "tests/support/shm_instance.hpp"

namespace sluice {
namespace {

constexpr std::size_t kBytes = RingMemory::bytes(16);
constexpr std::uint8_t kEdge = static_cast<std::uint8_t>(Edge::FeedRisk);

// What `body` prints in a child process, and its exit code.
struct Child {
  int code = -1;
  std::string text;
};
Child in_child(const std::function<int(std::string&)>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string text;
    const int code = body(text);
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(code);
  }
  ::close(ends[1]);
  Child child;
  char buffer[512];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    child.text.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  child.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return child;
}

class SegmentTest : public testing::Test {
 protected:
  SegmentHeader& create() {
    made_ = Segment::create(name(), kBytes);
    auto& header = *made_.as<SegmentHeader>();
    fill_header(header, {"ring.feed-risk", ObjectKind::Ring, kEdge, 16, kBytes},
                test::toy_config({}, instance_.name()), test::toy_run());
    Segment::publish(header);
    return header;
  }
  AttachError attach(Access access = Access::ReadWrite) {
    return Segment::attach(name(), access, expected(), attached_);
  }
  Expected expected() const {
    return {instance_.name(), ObjectKind::Ring, kEdge, test::toy_run().run_id, Mode::Paper};
  }
  std::string name() const { return instance_.object("ring.feed-risk"); }
  std::string path() const { return instance_.path("ring.feed-risk"); }

  test::UniqueInstance instance_;
  Segment made_;
  Segment attached_;
};

TEST_F(SegmentTest, IsZeroedSharedAndTight) {
  create();
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660u);
  EXPECT_EQ(static_cast<std::size_t>(info.st_size), kBytes);
  EXPECT_GE(static_cast<std::size_t>(info.st_blocks) * 512, kBytes)
      << "every page is there already";
  ASSERT_EQ(attach(), AttachError::None);
  EXPECT_EQ(attached_.size(), kBytes);
  for (std::size_t i = sizeof(SegmentHeader); i < kBytes; ++i)
    ASSERT_EQ(attached_.as<char>()[i], 0);
  made_.as<RingMemory>()->head.store(77);
  EXPECT_EQ(attached_.as<RingMemory>()->head.load(), 77u);
}

TEST_F(SegmentTest, ModeDoesNotDependOnTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{0077}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    create();
    ::umask(before);
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660u);
    EXPECT_TRUE(Segment::remove(name()));
  }
}

TEST_F(SegmentTest, ReadOnlyAttachmentCannotBeWritten) {
  create();
  ASSERT_EQ(attach(Access::ReadOnly), AttachError::None);
  const Child child = in_child([&](std::string&) {
    attached_.as<RingMemory>()->head.store(1);
    return 0;
  });
  EXPECT_NE(child.code, 0);
  EXPECT_EQ(made_.as<RingMemory>()->head.load(), 0u);
}

TEST_F(SegmentTest, CreatingTwiceIsRefusedAndHarmless) {
  create();
  try {
    Segment::create(name(), kBytes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("an instance of this name exists already"),
              std::string::npos);
  }
  EXPECT_EQ(attach(), AttachError::None);
}

TEST_F(SegmentTest, NotFound) {
  EXPECT_EQ(attach(), AttachError::NotFound);
}

TEST_F(SegmentTest, NoPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  create();
  const Child child = in_child([&](std::string&) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) return 99;
    return static_cast<int>(attach(Access::ReadOnly));
  });
  EXPECT_EQ(child.code, static_cast<int>(AttachError::NoPermission));
}

TEST_F(SegmentTest, Symlink) {
  const std::string target = instance_.path("elsewhere");
  ASSERT_EQ(::symlink(target.c_str(), path().c_str()), 0);
  EXPECT_EQ(attach(), AttachError::Symlink) << "dangling";
  Segment::create(instance_.object("elsewhere"), kBytes);
  EXPECT_EQ(attach(), AttachError::Symlink);
  EXPECT_EQ(attach(Access::ReadOnly), AttachError::Symlink);
}

TEST_F(SegmentTest, NotRegular) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0660), 0);
  EXPECT_EQ(attach(Access::ReadOnly), AttachError::NotRegular) << "must not wait for a writer";
  EXPECT_EQ(attach(), AttachError::NotRegular);
  ::unlink(path().c_str());
  ASSERT_EQ(::mkdir(path().c_str(), 0770), 0);
  EXPECT_EQ(attach(Access::ReadOnly), AttachError::NotRegular);
  EXPECT_EQ(attach(), AttachError::NotRegular);
}

TEST_F(SegmentTest, WrongOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  create();
  ASSERT_EQ(::chown(path().c_str(), 65534, 65534), 0);
  EXPECT_EQ(attach(), AttachError::None) << "its group may use it";
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  EXPECT_EQ(attach(), AttachError::WrongOwner);
}

TEST_F(SegmentTest, LooseMode) {
  create();
  for (const mode_t loose : {0666u, 0664u, 0662u, 0661u}) {
    ASSERT_EQ(::chmod(path().c_str(), loose), 0);
    EXPECT_EQ(attach(), AttachError::LooseMode) << std::oct << loose;
  }
  for (const mode_t tight : {0660u, 0640u, 0600u}) {
    ASSERT_EQ(::chmod(path().c_str(), tight), 0);
    EXPECT_EQ(attach(), AttachError::None) << std::oct << tight;
  }
}

TEST_F(SegmentTest, TooSmall) {
  create();
  for (const off_t size : {off_t{0}, off_t{1}, static_cast<off_t>(sizeof(SegmentHeader)) - 1}) {
    ASSERT_EQ(::truncate(path().c_str(), size), 0);
    EXPECT_EQ(attach(), AttachError::TooSmall) << size;
  }
  ASSERT_EQ(::truncate(path().c_str(), sizeof(SegmentHeader)), 0);
  EXPECT_EQ(attach(), AttachError::NotReady) << "the header was cut away and is zero";
}

TEST_F(SegmentTest, NotReady) {
  create().magic.store(0);
  EXPECT_EQ(attach(), AttachError::NotReady);
}

TEST_F(SegmentTest, BadMagic) {
  create().magic.store(kMagic ^ 1);
  EXPECT_EQ(attach(), AttachError::BadMagic);
}

TEST_F(SegmentTest, LayoutMismatch) {
  create().layout_hash ^= 1;
  EXPECT_EQ(attach(), AttachError::LayoutMismatch);
}

TEST_F(SegmentTest, SizeMismatch) {
  create();
  ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(kBytes - 64)), 0);
  EXPECT_EQ(attach(), AttachError::SizeMismatch);
  ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(kBytes + 64)), 0);
  EXPECT_EQ(attach(), AttachError::SizeMismatch);
}

TEST_F(SegmentTest, WrongInstance) {
  create().instance[0] ^= 1;
  EXPECT_EQ(attach(), AttachError::WrongInstance);
}

TEST_F(SegmentTest, WrongMode) {
  create().mode = Mode::Live;
  EXPECT_EQ(attach(), AttachError::WrongMode);
}

TEST_F(SegmentTest, WrongRun) {
  create().run_id += 1;
  EXPECT_EQ(attach(), AttachError::WrongRun);
}

TEST_F(SegmentTest, WrongBoot) {
  create().boot_id[0] ^= 1;
  EXPECT_EQ(attach(), AttachError::WrongBoot);
}

TEST_F(SegmentTest, WrongObject) {
  SegmentHeader& header = create();
  header.edge += 1;
  EXPECT_EQ(attach(), AttachError::WrongObject) << "another ring";
  header.edge -= 1;
  header.kind = ObjectKind::Journal;
  EXPECT_EQ(attach(), AttachError::WrongObject) << "another kind";
}

TEST_F(SegmentTest, NoMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs the address space";
#else
  create();
  const Child child = in_child([&](std::string&) {
    const rlimit none{1, 1};
    if (::setrlimit(RLIMIT_AS, &none) != 0) return 99;
    return static_cast<int>(attach());
  });
  EXPECT_EQ(child.code, static_cast<int>(AttachError::NoMemory));
#endif
}

TEST_F(SegmentTest, ARefusalLeavesTheOldAttachmentAlone) {
  create();
  ASSERT_EQ(attach(), AttachError::None);
  const void* before = attached_.data();
  made_.as<SegmentHeader>()->run_id += 1;
  EXPECT_EQ(attach(), AttachError::WrongRun);
  EXPECT_EQ(attached_.data(), before);
}

TEST(AttachErrorTexts, EachHasAMessageOfItsOwnAndAdvice) {
  std::set<std::string_view> names;
  for (int i = 0; i <= 18; ++i) {
    const auto error = static_cast<AttachError>(i);
    EXPECT_TRUE(names.insert(name_of(error)).second) << name_of(error);
    EXPECT_EQ(advice_for(error).empty(), error == AttachError::None);
    EXPECT_NE(name_of(error), "?");
  }
}

// A changed value is a kill page that `sluicectl kill` of every other build refuses.
constexpr std::uint64_t kKillLayout = 0x86c15a9384d432d6;

TEST(KillLayout, IsThatOfTheKillPageAlone) {
  EXPECT_EQ(layout_hash_of(ObjectKind::Kill), kKillLayout);
  EXPECT_NE(layout_hash_of(ObjectKind::Kill), schema_hash());
  for (const ObjectKind kind : {ObjectKind::Control, ObjectKind::Stage, ObjectKind::Ring,
                                ObjectKind::Journal, ObjectKind::LastValue})
    EXPECT_EQ(layout_hash_of(kind), schema_hash());
}

TEST(KillLayout, ARunOfAForeignBuildCanBeKilled) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  ControlPage& control = *made.objects().control;
  control.header.layout_hash ^= 1;
  control.config_hash ^= 1;
  control.build_id[0] ^= 1;
  made.objects().kill->header.layout_hash = kKillLayout;
  AttachedInstance refused;
  ASSERT_EQ(AttachedInstance::try_open(name.name(), refused), AttachError::LayoutMismatch);
  Segment kill;
  const Expected expected{name.name(), ObjectKind::Kill, 0, 0, Mode::Paper};
  ASSERT_EQ(Segment::attach(name.object("kill"), Access::ReadWrite, expected, kill),
            AttachError::None);
  EXPECT_TRUE(raise_kill(*kill.as<KillPage>(), {}, KillLevel::Halt, KillCause::Operator).raised);
  EXPECT_EQ(made.objects().kill->read(0).level, KillLevel::Halt);
  made.objects().kill->header.layout_hash ^= 1;
  EXPECT_EQ(Segment::attach(name.object("kill"), Access::ReadWrite, expected, kill),
            AttachError::LayoutMismatch)
      << "another kill page is another matter";
}

// In a mount namespace of its own, with 64 KiB of shared memory in all.
TEST(SegmentCreate, FullMemoryIsOneClearLineAndLeavesNothing) {
  const Child child = in_child([](std::string& text) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64k") != 0) {
      text = std::strerror(errno);
      return 77;
    }
    try {
      Segment::create("sluice.full.control", std::size_t{1} << 20);
    } catch (const Error& error) {
      text = error.what();
      return ::access("/dev/shm/sluice.full.control", F_OK) == 0 ? 1 : 0;
    }
    return 2;
  });
  if (child.code == 77) GTEST_SKIP() << "cannot mount here: " << child.text;
  EXPECT_EQ(child.code, 0) << "1: left the object behind, 2: did not notice";
  EXPECT_EQ(child.text,
            "/dev/shm/sluice.full.control: cannot allocate 1024 KiB (No space left on device; 64 "
            "KiB free): make "
            "/dev/shm larger or the rings smaller ([rings] in the configuration)");
}

}  // namespace
}  // namespace sluice
