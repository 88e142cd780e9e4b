#include "bench/kill/oracle.hpp"

#include "core/error.hpp"
#include "core/journal_file.hpp"

namespace sluice::bench {

void KillVerdict::add(const KillVerdict& other) noexcept {
  placed += other.placed;
  entries_after += other.entries_after;
  exits_after += other.exits_after;
  revived += other.revived;
}

KillVerdict judge(const std::vector<Placed>& log, const std::vector<KillWindow>& kills) noexcept {
  KillVerdict verdict;
  std::size_t behind = 0;  // kills that were complete before the order
  // The raiser learns of the completion a moment later: the send's own stamp tells for that moment.
  const auto complete = [](const KillWindow& kill, const Placed& placed) {
    return kill.from <= placed.position || kill.complete_at < placed.order.at;
  };
  for (const Placed& placed : log) {
    const auto& [position, order] = placed;
    ++verdict.placed;
    while (behind < kills.size() && complete(kills[behind], placed)) ++behind;
    if (behind == 0) continue;
    const KillWindow& last = kills[behind - 1];
    const bool entry = class_of(order.kind) == OrderClass::Entry;
    if (position < last.until && entry) ++verdict.entries_after;
    if (position < last.until && !entry && last.level >= KillLevel::Halt) ++verdict.exits_after;
    if (position >= last.until && entry && order.approved_at < last.raised_at) ++verdict.revived;
  }
  return verdict;
}

std::vector<Placed> read_placed(const std::filesystem::path& run_dir) {
  JournalFiles files(run_dir, "paper");
  JournalDecoder decoder;
  std::vector<Placed> placed;
  for (std::uint64_t at = files.first(); at < files.end(); ++at) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files.read(at, raw)) throw Error("the paper log is not readable at " + files.where(at));
    const auto status = decoder.decode(raw, at, entry);
    if (status == JournalDecoder::Status::Corrupt)
      throw Error("the paper log is corrupt at " + files.where(at));
    if (status != JournalDecoder::Status::Input) continue;
    const auto order = from_payload<PaperEntry>(entry.payload);
    if (order.what == PaperWhat::Placed) placed.push_back({at, order});
  }
  return placed;
}

}  // namespace sluice::bench
