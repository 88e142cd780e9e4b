// A journal shown to a fresh stage: what went in, and what must have come out, without driver,
// rings or pages.
#pragma once

#include <map>
#include <vector>

#include "core/driver.hpp"

namespace sluice::sim {

struct Film {
  std::map<Edge, std::vector<Payload>> inputs;
  std::map<Edge, std::vector<Payload>> outputs;
  bool intact = true;  // every checksum was right
};

// `after(stage, entry, outputs)` sees the stage after each input, and what this input made it emit.
template <class Stage, class After>
Film project(Stage& stage, const std::vector<JournalSlot>& file, std::initializer_list<Edge> edges,
             After&& after) {
  Film film;
  const auto out = std::make_unique<Outputs>();
  for (const Edge edge : edges) out->open(edge);
  Effects muted;
  muted.mute(true);
  JournalDecoder decoder;
  for (std::uint64_t position = 0; position < file.size(); ++position) {
    JournalEntry entry;
    const auto status = decoder.decode(file[position], position, entry);
    if (status == JournalDecoder::Status::Filler) continue;
    if (status == JournalDecoder::Status::Corrupt) {
      film.intact = false;
      break;
    }
    film.inputs[entry.edge].push_back(entry.payload);
    out->begin_input();
    Context ctx{entry.now, *out, muted};
    const auto give = [&]<class R>(R record) {
      if constexpr (TakenBy<R, Stage>) stage.on(record, ctx);
    };
    switch (record_of(entry.edge)) {
      case RecordKind::Control: give(from_payload<Control>(entry.payload)); break;
      case RecordKind::Tick: give(from_payload<Tick>(entry.payload)); break;
      case RecordKind::Intent: give(from_payload<Intent>(entry.payload)); break;
      case RecordKind::Order: give(from_payload<Order>(entry.payload)); break;
      case RecordKind::Report: give(from_payload<Report>(entry.payload)); break;
      case RecordKind::Event: give(from_payload<Event>(entry.payload)); break;
      case RecordKind::PaperEntry: break;
    }
    after(stage, entry, *out);
    for (std::size_t i = 0; i < out->lanes(); ++i) {
      std::vector<Payload>& made = film.outputs[out->lane(i).edge];
      for (std::uint32_t k = 0; k < out->lane(i).count; ++k)
        made.push_back(out->lane(i).records[k]);
    }
    out->clear();
  }
  return film;
}

}  // namespace sluice::sim
