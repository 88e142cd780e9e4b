// A stage without a process: journaled inputs in, the outputs it made of them out. Live,
// verification, crash recovery, backtest and what-if differ only in where the inputs come from and
// what is done with the outputs; this is the part they share.
//
// Invariant: the stage is given exactly what the driver gave it - every journaled input, Controls
// included, with the journaled `now`, and never a filler - and lanes are those the wiring table
// opens in the process.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/driver.hpp"
#include "core/wiring.hpp"

namespace sluice::replay {

// The edges of a process as its driver opens them, without rings.
struct Wires {
  std::vector<Edge> inputs;
  std::vector<Edge> outputs;

  void open_input(Edge edge, int) { inputs.push_back(edge); }
  void open_output(Edge edge, int) { outputs.push_back(edge); }

  static Wires of(Process process, const PipelineConfig& pipeline) {
    Wires wires{{Edge::Control}, {Edge::Command}};
    if (process == Process::Gateway) wires.inputs.push_back(Edge::Event);
    wire(wires, process, pipeline, [](Edge) { return 0; });
    return wires;
  }
  [[nodiscard]] bool takes(Edge edge) const noexcept {
    return std::find(inputs.begin(), inputs.end(), edge) != inputs.end();
  }
};

template <class Stage>
class Replayer {
 public:
  Replayer(Stage& stage, const Wires& wires)
      : stage_(stage), outputs_(std::make_unique<Outputs>()) {
    effects_.mute(true);
    for (const Edge edge : wires.outputs) outputs_->open(edge);
  }

  // One input. `emitted(Edge, const Payload&)` is called for each output it causes: at most one per
  // edge.
  template <class Sink>
  void feed(const JournalEntry& entry, Sink&& emitted) {
    outputs_->begin_input();
    Context ctx{entry.now, *outputs_, effects_};
    switch (record_of(entry.edge)) {
      case RecordKind::Tick: give<Tick>(entry, ctx); break;
      case RecordKind::Intent: give<Intent>(entry, ctx); break;
      case RecordKind::Order: give<Order>(entry, ctx); break;
      case RecordKind::Report: give<Report>(entry, ctx); break;
      case RecordKind::Event: give<Event>(entry, ctx); break;
      case RecordKind::Control: give<Control>(entry, ctx); break;
      case RecordKind::PaperEntry: break;  // no stage takes one
    }
    for (std::size_t i = 0; i < outputs_->lanes(); ++i) {
      const Outputs::Lane& lane = outputs_->lane(i);
      for (std::uint32_t k = 0; k < lane.count; ++k) emitted(lane.edge, lane.records[k]);
    }
    outputs_->clear();
  }

  // What the driver asks between inputs; a backtest, which makes its own Controls, needs the
  // answers.
  [[nodiscard]] bool wants_continue() const noexcept { return stage_.wants_continue(); }
  [[nodiscard]] HostTime deadline() const noexcept { return stage_.deadline(); }

 private:
  template <class R>
  void give(const JournalEntry& entry, Context& ctx) {
    if constexpr (TakenBy<R, Stage>) stage_.on(from_payload<R>(entry.payload), ctx);
  }

  Stage& stage_;
  std::unique_ptr<Outputs> outputs_;
  Effects effects_;
};

}  // namespace sluice::replay
