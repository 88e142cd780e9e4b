// Who may do what: the document's table against the code, access lists on real files, and what
// attaching refuses when [access] is configured.
#include "core/access.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "tests/support/access_table.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

const std::map<std::string, test::AccessRow>& table() {
  static const auto rows = test::access_table(SLUICE_SOURCE_DIR "/ARCHITECTURE.md");
  return rows;
}

AccessConfig config() {
  AccessConfig access;
  access.names = {"",      "64001", "64002", "64003", "64004",
                  "64005", "64006", "64011", "64012", "64013"};
  return access;
}

std::string text_of(Grant grant) {
  return grant == Grant::Write ? "rw" : grant == Grant::Read ? "r" : "-";
}

TEST(Access, TheTableOfTheDocumentIsTheCode) {
  const Identities who = resolve(config());
  std::map<std::string, int> seen;
  for (const ObjectPlan& plan : plan_objects(test::toy_config())) {
    const std::string object = test::seat_as_n(plan.object);
    ASSERT_TRUE(table().contains(object)) << object << " is not in the table";
    ++seen[object];
    const test::AccessRow& row = table().at(object);
    const AccessList list = access_list(plan.kind, plan.edge, who);
    EXPECT_EQ(list.mode(), row.mode) << plan.object;
    EXPECT_EQ(std::to_string(list.group),
              config()[row.group == "kill" ? Role::Kill : Role::Readers])
        << plan.object;
    for (const Role role : kRoles) {
      if (role == Role::Supervisor) continue;
      EXPECT_EQ(text_of(grant_of(role, plan.kind, plan.edge)),
                row.cells.at(std::string(name_of(role))))
          << name_of(role) << " on " << plan.object;
    }
  }
  EXPECT_EQ(seen.size(), table().size()) << "the table names objects that do not exist";
}

// The invariants, said without the table.
TEST(Access, NobodyButTheSupervisorWritesTheControlPageAndNoReaderWritesAnything) {
  for (const ObjectPlan& plan : plan_objects(test::toy_config()))
    for (const Role role : kRoles) {
      const Grant grant = grant_of(role, plan.kind, plan.edge);
      if (role == Role::Supervisor) continue;
      if (plan.kind == ObjectKind::Control) {
        EXPECT_NE(grant, Grant::Write) << name_of(role);
      }
      if (role == Role::Readers || role == Role::Admin) {
        EXPECT_NE(grant, Grant::Write) << plan.object;
      }
      if (role == Role::Kill && plan.kind != ObjectKind::Kill) {
        EXPECT_NE(grant, Grant::Write) << plan.object;
      }
    }
}

TEST(Access, UnknownUsersAndGroupsAreNamed) {
  for (const Role role : kRoles) {
    AccessConfig access = config();
    access.names[static_cast<std::size_t>(role)] = "no-such-name-here";
    try {
      resolve(access);
      ADD_FAILURE() << name_of(role);
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("[access] " + std::string(name_of(role))), std::string::npos) << what;
      EXPECT_NE(what.find("no-such-name-here"), std::string::npos) << what;
    }
  }
}

TEST(Access, NoStageIsTheSupervisor) {
  AccessConfig access = config();
  access.names[static_cast<std::size_t>(Role::Risk)] = "64001";
  EXPECT_THROW(resolve(access), Error);
}

TEST(Access, RolesThatShareAUserHaveTheRightsOfBoth) {
  AccessConfig access = config();
  access.names[static_cast<std::size_t>(Role::Risk)] = "64002";
  const auto edge = static_cast<std::uint8_t>(Process::Risk);
  const AccessList list = access_list(ObjectKind::Stage, edge, resolve(access));
  EXPECT_EQ(list.users.at(64002), 6);
}

// A file that we own, with a list like that of a stage page.
class AccessFile : public testing::Test {
 protected:
  AccessFile() : path_((dir_.path() / "object").string()) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    list_ = {::getegid(), 6, 4, {{64004, 6}, {64005, 4}}, {{64012, 4}}};
  }
  ~AccessFile() override { ::close(fd_); }
  void SetUp() override {
    try {
      apply(fd_, list_, path_);
    } catch (const Error& error) {
      GTEST_SKIP() << "no access lists here: " << error.what();
    }
  }
  unsigned mode() const {
    struct stat info {};
    ::fstat(fd_, &info);
    return info.st_mode & 07777;
  }

  test::TempDir dir_;
  std::string path_;
  int fd_ = -1;
  AccessList list_;
};

TEST_F(AccessFile, ModeShowsTheMostThatAnyoneNamedMay) {
  EXPECT_EQ(mode(), 0660u);
  EXPECT_EQ(list_.mode(), 0660u);
  list_.users = {{64005, 4}};
  apply(fd_, list_, path_);
  EXPECT_EQ(mode(), 0640u);
}

TEST_F(AccessFile, WhatIsLooserIsFoundAndWhatIsTighterIsNot) {
  EXPECT_FALSE(looser(fd_, list_));
  const auto with = [&](const std::function<void(AccessList&)>& change) {
    AccessList other = list_;
    change(other);
    apply(fd_, other, path_);
    return looser(fd_, list_);
  };
  EXPECT_TRUE(with([](AccessList& l) { l.users[64005] = 6; })) << "a named user may more";
  EXPECT_TRUE(with([](AccessList& l) { l.users[64099] = 4; })) << "a stranger is named";
  EXPECT_TRUE(with([](AccessList& l) { l.groups[64012] = 6; })) << "a named group may more";
  EXPECT_TRUE(with([](AccessList& l) { l.groups[64099] = 4; })) << "a strange group is named";
  EXPECT_TRUE(with([](AccessList& l) { l.group_bits = 6; })) << "the owning group may more";
  EXPECT_FALSE(with([](AccessList& l) { l.users.erase(64004); }));
  EXPECT_FALSE(with([](AccessList& l) { l.groups.clear(); }));
  apply(fd_, list_, path_);
  ASSERT_EQ(::fchmod(fd_, 0664), 0);
  EXPECT_TRUE(looser(fd_, list_)) << "others may read";
}

TEST_F(AccessFile, WithoutAListTheModeDecides) {
  ASSERT_EQ(::fremovexattr(fd_, "system.posix_acl_access"), 0);
  ASSERT_EQ(::fchmod(fd_, 0640), 0);
  EXPECT_FALSE(looser(fd_, list_));
  ASSERT_EQ(::fchmod(fd_, 0660), 0);
  EXPECT_TRUE(looser(fd_, list_)) << "the owning group may write";
}

TEST_F(AccessFile, AnotherOwningGroupIsLooser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  ASSERT_EQ(::fchown(fd_, static_cast<uid_t>(-1), 64099), 0);
  EXPECT_TRUE(looser(fd_, list_));
}

// ---- attaching with [access]

int in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class AccessAttach : public testing::Test {
 protected:
  // Everything of an instance, as a supervisor of that user would make it.
  void create(uid_t owner) {
    const PipelineConfig toy = test::toy_config({}, instance_.name());
    const Identities who = resolve(config());
    for (const ObjectPlan& plan : plan_objects(toy)) {
      const AccessList list = access_list(plan.kind, plan.edge, who);
      Segment made = Segment::create(instance_.object(plan.object), plan.bytes, &list);
      fill_header(*made.as<SegmentHeader>(), plan, toy, test::toy_run());
      Segment::publish(*made.as<SegmentHeader>());
      ASSERT_EQ(::chown(instance_.path(plan.object).c_str(), owner, static_cast<gid_t>(-1)), 0);
    }
  }
  AttachError open() {
    const AccessConfig access = config();
    return AttachedInstance::try_open(instance_.name(), attached_, &access);
  }
  // The exit code tells: 0 attached, 1 refused.
  int risk_page(const std::string& refusal) {
    try {
      attached_.attach_page(Process::Risk, Access::ReadWrite);
      return 0;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(refusal), std::string::npos) << error.what();
      return 1;
    }
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give objects to other users";
  }

  test::UniqueInstance instance_;
  AttachedInstance attached_;
};

TEST_F(AccessAttach, TheSupervisorsObjectsAreTaken) {
  create(64001);
  ASSERT_EQ(open(), AttachError::None);
  EXPECT_EQ(risk_page(""), 0);
}

TEST_F(AccessAttach, AnybodyElsesAreRefused) {
  create(64002);
  EXPECT_EQ(open(), AttachError::WrongOwner);
}

TEST_F(AccessAttach, OneObjectOfSomebodyElseIsRefused) {
  create(64001);
  ASSERT_EQ(open(), AttachError::None);
  ASSERT_EQ(::chown(instance_.path("stage.risk").c_str(), 0, static_cast<gid_t>(-1)), 0);
  EXPECT_EQ(risk_page(std::string(name_of(AttachError::WrongOwner))), 1);
}

TEST_F(AccessAttach, ALooserListIsRefused) {
  create(64001);
  ASSERT_EQ(open(), AttachError::None);
  const int fd = ::open(instance_.path("stage.risk").c_str(), O_RDWR | O_CLOEXEC);
  AccessList list =
      access_list(ObjectKind::Stage, static_cast<std::uint8_t>(Process::Risk), resolve(config()));
  list.users[64003] = 4;
  apply(fd, list, "stage.risk");
  ::close(fd);
  EXPECT_EQ(risk_page(std::string(name_of(AttachError::LooseMode))), 1);
}

TEST_F(AccessAttach, ASecondNameIsRefused) {
  create(64001);
  ASSERT_EQ(open(), AttachError::None);
  ASSERT_EQ(::link(instance_.path("stage.risk").c_str(), instance_.path("planted").c_str()), 0);
  EXPECT_EQ(risk_page(std::string(name_of(AttachError::Linked))), 1);
}

// Without a configuration (sluicectl): an access list that names us makes nobody trustworthy.
TEST_F(AccessAttach, AnObjectPlantedForUsIsRefused) {
  create(64099);
  const int fd = ::open(instance_.path("control").c_str(), O_RDWR | O_CLOEXEC);
  apply(fd, {64099, 6, 4, {{64020, 4}}, {}}, "control");
  ::close(fd);
  const int code = in_child([&] {
    if (::setgid(64020) != 0 || ::setuid(64020) != 0) return 99;
    const int readable = ::open(instance_.path("control").c_str(), O_RDONLY);
    if (readable < 0) return 98;
    return static_cast<int>(AttachedInstance::try_open(instance_.name(), attached_));
  });
  EXPECT_EQ(code, static_cast<int>(AttachError::WrongOwner));
}

}  // namespace
}  // namespace sluice
