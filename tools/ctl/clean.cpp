// The verb `clean`: takes away what dead instances have left in /dev/shm. The kill levels that
// stood are on disk first; the state directory is locked meanwhile, so that no supervisor begins
// there.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <sys/stat.h>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/leftovers.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"
#include "tools/supervisor/reclaim.hpp"
#include "tools/supervisor/state_file.hpp"

namespace sluice::ctl {
namespace {

struct Cleaned {
  Leftover what;
  bool removed = false;  // or would be
  std::string why_not;
  std::string advice;
};

class StateLock {
 public:
  explicit StateLock(const std::filesystem::path& dir) : fd_(lock_state_dir(dir)) {}
  ~StateLock() { ::close(fd_); }
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

 private:
  int fd_;
};

std::string levels_text(const std::vector<LatchedLevel>& levels) {
  std::string text;
  for (const LatchedLevel& level : levels)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", level.scope, name_of(level.level));
  return text;
}

void reclaim_readable(const Leftover& dead) {
  const std::filesystem::path dir = dead.state_dir;
  std::error_code ignored;
  if (!std::filesystem::is_directory(dir, ignored)) {
    if (!dead.levels.empty())
      throw Error(
          fmt::format("its kill levels ({}) cannot be kept, {} is gone: mkdir -p {}, then "
                      "again; nothing was removed",
                      levels_text(dead.levels), dir.string(), dir.string()));
    std::vector<LatchedLevel> none;
    return reclaim(dead.instance, none, [&] {
      if (!none.empty()) throw Error("a kill level was raised this moment: try again");
    });
  }
  const StateLock lock(dir);
  std::vector<LatchedLevel> latched = load_latch(dir);
  reclaim(dead.instance, latched, [&] {
    if (!latched.empty() && !store_latch(dir, latched))
      throw Error((dir / "kill.latch").string() +
                  ": cannot be written, a kill level would be forgotten: free some disk space; "
                  "nothing was removed");
  });
}

// Only the very objects that were looked at: a supervisor may be creating others of that name.
void remove_unreadable(const Leftover& dead) {
  for (const auto& [name, inode] : dead.objects) {
    struct stat info {};
    if (::lstat(("/dev/shm/" + name).c_str(), &info) == 0 && info.st_ino == inode)
      Segment::remove(name);
  }
}

Cleaned clean_one(const std::string& instance, bool named, bool dry_run) {
  Cleaned done;
  done.what = look_at_leftover(instance);
  const Leftover& what = done.what;
  if (what.life != Life::Dead && !(what.life == Life::Orphaned && named)) {
    done.why_not = what.why;
    done.advice = what.advice;
    return done;
  }
  done.removed = true;
  if (dry_run) return done;
  try {
    what.readable ? reclaim_readable(what) : remove_unreadable(what);
    if (!list_objects(instance).empty()) throw Error("objects are left: no permission?");
  } catch (const Error& error) {
    done.removed = false;
    done.why_not = error.what();
  }
  return done;
}

void print_text(const std::vector<Cleaned>& all, bool dry_run, Console& console) {
  for (const Cleaned& one : all) {
    const Leftover& what = one.what;
    if (!one.removed) {
      console.out("{}: kept: {}{}{}\n", what.instance, one.why_not, one.advice.empty() ? "" : "; ",
                  one.advice);
      continue;
    }
    console.out("{}: {} {} objects, {} MiB ({})\n", what.instance,
                dry_run ? "would remove" : "removed", what.objects.size(), what.bytes >> 20,
                what.why);
    if (!what.levels.empty())
      console.out("{}: {} in {}/kill.latch: {}\n", what.instance,
                  dry_run ? "would keep" : "kept for the next run", what.state_dir,
                  levels_text(what.levels));
  }
  if (all.empty()) console.out("nothing of Sluice is in /dev/shm\n");
}

void print_json(const std::vector<Cleaned>& all, bool dry_run, int code, Console& console) {
  Json json;
  json.object().field("dry_run", dry_run).field("code", code).key("instances").array();
  for (const Cleaned& one : all) {
    json.object().field("instance", one.what.instance).field("removed", one.removed);
    json.field("why", one.removed ? one.what.why : one.why_not).field("advice", one.advice);
    json.field("state_dir", one.what.state_dir).field("bytes", one.what.bytes);
    json.key("levels").array();
    for (const LatchedLevel& level : one.what.levels)
      json.object().field("scope", level.scope).field("level", name_of(level.level)).end();
    json.end().key("objects").array();
    for (const auto& object : one.what.objects) json.value(object.first);
    json.end().end();
  }
  json.end().end();
  console.raw(json.text());
}

// A living instance is none of our business unless it was named.
int code_of(const std::vector<Cleaned>& all, bool named) noexcept {
  for (const Cleaned& one : all) {
    if (one.removed) continue;
    if (named) return static_cast<int>(Exit::No);
    if (one.what.life != Life::Supervised) return static_cast<int>(Exit::Incomplete);
  }
  return static_cast<int>(Exit::Ok);
}

}  // namespace

int run_clean(const Options& options, Console& console) {
  const bool named = !options.instance.empty();
  const std::vector<std::string> there = instances_in_shm();
  if (named && std::find(there.begin(), there.end(), options.instance) == there.end())
    throw Error(Exit::Unreachable,
                fmt::format("nothing of instance '{}' is in /dev/shm; there: {}", options.instance,
                            there.empty() ? "none" : fmt::format("{}", fmt::join(there, ", "))));
  std::vector<Cleaned> all;
  for (const std::string& name : there)
    if (!named || name == options.instance) all.push_back(clean_one(name, named, options.dry_run));
  const int code = code_of(all, named);
  options.json ? print_json(all, options.dry_run, code, console)
               : print_text(all, options.dry_run, console);
  return code;
}

}  // namespace sluice::ctl
