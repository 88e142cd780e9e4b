// The paper order log as a journal ring: one entry per change of the paper venue, published one by
// one. Writer: the gateway's session. Readers: the recorder, recovery, tests and tools (as the
// oracle).
#pragma once

#include "core/journal.hpp"
#include "core/records.hpp"

namespace sluice {

class PaperLogRing {
 public:
  // Continues behind the entries that are there. The writer starts at time zero, so that its first
  // entry is preceded by a Time entry: a reader's clock does not depend on how long nobody wrote.
  explicit PaperLogRing(JournalMemory& memory) noexcept
      : writer_(memory, memory.tail.load(std::memory_order_acquire), HostTime{}) {}

  // False: the ring is full because nobody files it; nothing was appended and nothing was sent.
  bool append(const PaperEntry& entry) noexcept {
    if (writer_.room() < 2) return false;
    writer_.append(Edge::PaperLog, to_payload(entry), entry.at);
    writer_.commit();
    return true;
  }

 private:
  JournalWriter writer_;
};

// Reads log entries in order from a source of raw slots; `source(JournalSlot&, position) -> bool`.
template <class Source>
class PaperLogReader {
 public:
  PaperLogReader(Source source, std::uint64_t end) : source_(std::move(source)), end_(end) {}

  // False at the end. Throws through `corrupt(position)` if an entry fails its checksum.
  template <class Corrupt>
  bool next(PaperEntry& out, Corrupt&& corrupt) {
    while (position_ < end_) {
      JournalSlot raw{};
      JournalEntry entry;
      const std::uint64_t at = position_++;
      if (!source_(raw, at)) corrupt(at);
      const auto status = decoder_.decode(raw, at, entry);
      if (status == JournalDecoder::Status::Corrupt) corrupt(at);
      if (status != JournalDecoder::Status::Input) continue;
      out = from_payload<PaperEntry>(entry.payload);
      return true;
    }
    return false;
  }

 private:
  Source source_;
  JournalDecoder decoder_;
  std::uint64_t position_ = 0;
  std::uint64_t end_;
};

}  // namespace sluice
