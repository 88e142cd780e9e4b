// What one journal has to say about the edges of its stage: what came in, and what the stage makes
// of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/replay/film.hpp"
#include "tools/replay/replayer.hpp"

namespace sluice::replay {

struct Emitted {
  Payload payload;
  std::uint64_t cause;  // position of the input that caused it
  HostTime now;         // of that input
};
struct Consumed {
  Payload payload;
  std::uint64_t position;  // in the consumer's journal
};

struct StageRun {
  std::string name;
  std::unique_ptr<Film> film;
  std::map<Edge, std::vector<Emitted>> outputs;
  std::map<Edge, std::vector<Consumed>> inputs;  // of edges whose producer is replayed, and events
  std::vector<std::uint64_t> recovered;          // positions of Control{Recovered}

  [[nodiscard]] const std::vector<Emitted>& out(Edge edge) const { return find(outputs, edge); }
  [[nodiscard]] const std::vector<Consumed>& in(Edge edge) const { return find(inputs, edge); }
  [[nodiscard]] std::string place(std::uint64_t position) const {
    return name + " entry " + std::to_string(position) + " (" + film->where(position) + ")";
  }

 private:
  template <class T>
  static const std::vector<T>& find(const std::map<Edge, std::vector<T>>& of, Edge edge) {
    static const std::vector<T> kNone;
    const auto found = of.find(edge);
    return found == of.end() ? kNone : found->second;
  }
};

template <class Stage>
StageRun run_stage(Stage& stage, Process process, const std::filesystem::path& dir,
                   const PipelineConfig& pipeline) {
  const Wires wires = Wires::of(process, pipeline);
  StageRun run;
  run.name = std::string(name_of(process));
  run.film = std::make_unique<Film>(dir, run.name, wires.inputs, &pipeline);
  Replayer<Stage> replayer(stage, wires);
  for (JournalEntry entry; run.film->next(entry);) {
    const RecordKind kind = record_of(entry.edge);
    if (kind == RecordKind::Control) {
      if (from_payload<Control>(entry.payload).kind == ControlKind::Recovered)
        run.recovered.push_back(entry.position);
    } else if (kind != RecordKind::Tick) {  // the feed has no journal to compare its ticks with
      run.inputs[entry.edge].push_back({entry.payload, entry.position});
    }
    replayer.feed(entry, [&](Edge edge, const Payload& payload) {
      run.outputs[edge].push_back({payload, entry.position, entry.now});
    });
  }
  return run;
}

}  // namespace sluice::replay
