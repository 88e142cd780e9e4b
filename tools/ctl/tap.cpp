// The verb `tap`: follows a ring read-only. It never disturbs producer or consumer; lapped, it says
// how much it missed.
#include <algorithm>
#include <ctime>

#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/records.hpp"
#include "tools/ctl/sight.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr std::uint64_t kDefaultCount = 10;

const EdgeInfo& ring_named(const std::string& word) {
  std::vector<std::string> names;
  for (const EdgeInfo& info : kTopology) {
    names.push_back(object_of(info.edge).substr(5));  // without "ring."
    if (names.back() == word) return info;
  }
  const std::string near = nearest(word, names);
  throw Error(Exit::Usage, fmt::format("there is no ring '{}'{}; rings:\n  {}", word,
                                       near.empty() ? "" : fmt::format(": did you mean {}?", near),
                                       fmt::join(names, "\n  ")));
}

class Printer {
 public:
  Printer(const Sight& sight, const EdgeInfo& info, bool json, Console& console)
      : sight_(sight), info_(info), as_json_(json), console_(console) {
    if (as_json_)
      json_.object().field("ring", object_of(info.edge).substr(5)).key("records").array();
  }

  void record(std::uint64_t sequence, const Payload& payload) {
    const Fields fields = decode(info_.record, payload, sight_.objects.control);
    if (as_json_) {
      json_.object().field("sequence", sequence);
      for (const auto& [name, text] : fields) json_.field(name, text);
      json_.end();
    } else {
      console_.out("{}", sequence);
      for (const auto& [name, text] : fields) console_.out(" {}={}", name, text);
      console_.raw("\n");
    }
    ++shown_;
    flush();
  }
  void missed(std::uint64_t count) {
    missed_ += count;
    if (!as_json_) console_.out("missed {}\n", count);
  }
  void finish() {
    if (as_json_) json_.end().field("missed", missed_).end();
    flush();
  }
  [[nodiscard]] std::uint64_t shown() const noexcept { return shown_; }

 private:
  void flush() {
    console_.raw(json_.take());
    console_.flush();
  }

  const Sight& sight_;
  const EdgeInfo& info_;
  bool as_json_;
  Console& console_;
  Json json_;
  std::uint64_t shown_ = 0;
  std::uint64_t missed_ = 0;
};

}  // namespace

int run_tap(const Options& options, Console& console) {
  const EdgeInfo& info = ring_named(options.first);
  Sight sight = look_at(options);
  attach_ring(sight, info.edge);
  const RingMemory& ring = sight.objects.edge(info.edge);
  const std::uint64_t newest = published(ring);
  const std::uint64_t back = std::min(options.count == 0 ? kDefaultCount : options.count,
                                      std::min(newest, ring.header.capacity));
  const std::uint64_t most = options.count != 0 ? options.count
                             : options.follow   ? ~std::uint64_t{0}
                                                : kDefaultCount;
  RingTap tap(ring, options.follow ? newest : newest - back);
  StopSignal::install();
  Printer printer(sight, info, options.json, console);
  while (printer.shown() < most && !StopSignal::asked()) {
    Payload payload;
    const RingTap::Result result = tap.read(payload);
    if (result.missed != 0) printer.missed(result.missed);
    if (result.poll == Poll::Record) {
      printer.record(result.sequence, payload);
      continue;
    }
    if (!options.follow && result.missed == 0 && result.sequence >= newest) break;
    if (options.follow && !sight.attached->alive()) {
      console.say("the run has ended\n");
      break;
    }
    const timespec nap{0, 200'000};
    if (result.missed == 0) nanosleep(&nap, nullptr);
  }
  printer.finish();
  return static_cast<int>(StopSignal::asked() && !options.follow ? Exit::Interrupted : Exit::Ok);
}

}  // namespace sluice::ctl
