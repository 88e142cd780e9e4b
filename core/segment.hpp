// A named shared-memory object, created only by the supervisor, attached to by everyone else with
// every field of its header checked. The only user of Boost.Interprocess, and only for the mapping.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.hpp"
#include "core/mapping.hpp"
#include "core/segment_header.hpp"

namespace sluice {

enum class AttachError : std::uint8_t {
  None = 0,
  NotFound = 1,      // no such object
  NoPermission = 2,  // the object's mode or owner does not let this user in
  Symlink = 3,       // a link was planted under the name
  NotRegular = 4,
  WrongOwner = 5,  // owned by neither root nor this user nor our group's; or not the run's owner
  LooseMode = 6,   // open to others, or to more than [access] allows
  TooSmall = 7,    // smaller than a header: being created, or truncated
  NotReady = 8,    // magic is 0: being created, or the run has ended
  BadMagic = 9,
  LayoutMismatch = 10,  // another build
  SizeMismatch = 11,    // header and object disagree
  WrongInstance = 12,
  WrongMode = 13,    // PAPER against LIVE
  WrongRun = 14,     // left over from another run
  WrongBoot = 15,    // left over from before a reboot
  WrongObject = 16,  // another kind of object, or another ring's
  NoMemory = 17,     // the mapping itself failed
  Linked = 18        // has a second name
};
std::string_view name_of(AttachError error) noexcept;
std::string_view advice_for(AttachError error) noexcept;  // what to do about it

struct Expected {
  std::string_view instance;
  ObjectKind kind = ObjectKind::Control;
  std::uint8_t edge = 0;
  // 0: whatever it says (the control page, from which the others' values come).
  std::uint64_t run_id = 0;
  Mode mode = Mode::Paper;
  // Who must own it: the owner of the control page, or of the kill page, that was attached before.
  std::optional<uid_t> owner = {};
  const AccessList* access = nullptr;  // it may be open to nobody else; null: to its group
};

enum class Access : std::uint8_t { ReadOnly = 1, ReadWrite = 2 };

class Segment {
 public:
  Segment();
  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();  // unmaps; the object stays

  // Setup, supervisor only. Allocates every page up front (a full tmpfs would otherwise kill the
  // process later), zeroed, mode 0660 or as the access list says. Throws Error naming the object
  // and the bytes that are missing.
  static Segment create(const std::string& name, std::size_t size,
                        const AccessList* access = nullptr);
  // Publishes the header: everything else must have been written. Pairs with the acquire in attach.
  static void publish(SegmentHeader& header) noexcept;

  static AttachError attach(const std::string& name, Access access, const Expected& expected,
                            Segment& out);

  static bool remove(const std::string& name) noexcept;

  [[nodiscard]] void* data() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] uid_t owner() const noexcept;  // when it was attached or created
  [[nodiscard]] FileId file() const noexcept;  // {0, 0} if nothing is mapped
  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return static_cast<T*>(data());
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "sluice.<instance>.<object>"
std::string segment_name(std::string_view instance, std::string_view object);

// Instances that have a control page in /dev/shm, sorted.
std::vector<std::string> list_instances();
// Names of every object of one instance, without a leading slash.
std::vector<std::string> list_objects(std::string_view instance);

// Of every record and page of this build: in every segment header and journal file.
std::uint64_t schema_hash() noexcept;
// What a header of this kind carries: the kill page only its own layout, so that a kill of any
// build that knows the page can stop a run of any other.
std::uint64_t layout_hash_of(ObjectKind kind) noexcept;
const std::string& boot_id();  // setup: read once

}  // namespace sluice
