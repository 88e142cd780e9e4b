#include "tools/replay/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "gateway/stage.hpp"
#include "risk/stage.hpp"
#include "strategies/stage.hpp"
#include "tools/replay/paper.hpp"
#include "tools/replay/record_text.hpp"
#include "tools/replay/stage_run.hpp"

namespace sluice::replay {
namespace {

EdgeReport compare(Edge edge, const StageRun& producer, const StageRun& consumer) {
  EdgeReport report;
  report.title = edge_title(edge);
  const std::vector<Emitted>& emitted = producer.out(edge);
  const std::vector<Consumed>& consumed = consumer.in(edge);
  const auto differs = [&](std::size_t k, std::string what) {
    report.difference = Difference{
        k,  std::move(what),    {}, consumer.place(consumed[k].position), record_of(edge),
        {}, consumed[k].payload};
    if (k >= emitted.size()) return;
    report.difference->emitted = emitted[k].payload;
    report.difference->emitted_by = producer.place(emitted[k].cause);
  };
  const std::size_t both = std::min(emitted.size(), consumed.size());
  for (std::size_t k = 0; k < both; ++k) {
    if (emitted[k].payload != consumed[k].payload) {
      differs(k, fmt::format("{} makes another record of its journal than {} has consumed",
                             producer.name, consumer.name));
      return report;
    }
    ++report.identical;
  }
  (consumer.film->report().cut_short() ? report.unchecked : report.pending) = emitted.size() - both;
  if (consumed.size() == both) return report;
  if (producer.film->report().cut_short())
    report.unchecked = consumed.size() - both;
  else
    differs(
        both,
        fmt::format(
            "{} has consumed {} record{} that {} never emitted (or {}'s journal ends too early: "
            "is the run still going, or did the machine lose power?)",
            consumer.name, consumed.size() - both, consumed.size() - both == 1 ? "" : "s",
            producer.name, producer.name));
  return report;
}

// Journals of one directory must be of one run, and its configuration the one the run was started
// with.
void check_identity(const RunFiles& run, const std::vector<const Film*>& films,
                    Verification& result) {
  const JournalFileHeader& first = films.front()->header();
  result.run_ordinal = first.run_ordinal;
  result.mode = first.mode;
  result.instance =
      std::string(first.instance.data(), ::strnlen(first.instance.data(), first.instance.size()));
  for (const Film* film : films)
    if (film->header().run_id != first.run_id)
      throw Error(
          Exit::Unqualified,
          fmt::format("{}: the journals '{}' and '{}' are of different runs", run.dir.string(),
                      films.front()->report().journal, film->report().journal));
  if (first.config_hash != run.config_hash)
    result.notes.push_back(
        fmt::format("pipeline.toml is not the file this run was started with (hash {:016x}, the "
                    "journals say {:016x}): differences may come from it",
                    run.config_hash, first.config_hash));
}

}  // namespace

std::uint64_t Verification::identical() const noexcept {
  return std::accumulate(
      edges.begin(), edges.end(), std::uint64_t{0},
      [](std::uint64_t sum, const EdgeReport& edge) { return sum + edge.identical; });
}
std::uint64_t Verification::damaged() const noexcept {
  return std::accumulate(
      journals.begin(), journals.end(), std::uint64_t{0},
      [](std::uint64_t sum, const FilmReport& film) { return sum + film.damaged; });
}
std::size_t Verification::different() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(edges.begin(), edges.end(),
                    [](const EdgeReport& edge) { return edge.difference.has_value(); }));
}

Verification verify(const RunFiles& run) {
  Verification result;
  result.dir = run.dir;
  result.pipeline = run.pipeline;
  if (!run.chosen.empty()) result.notes.push_back(run.chosen);

  std::vector<std::pair<SeatIndex, StageRun>> seats;
  for (SeatIndex seat = 0; seat < kSeats; ++seat) {
    if (!run.pipeline.seat_taken(seat)) continue;
    const auto stage = std::make_unique<strategies::StrategyStage>(seat, run.pipeline);
    seats.emplace_back(seat, run_stage(*stage, seat_process(seat), run.dir, run.pipeline));
  }
  const auto risk_stage = std::make_unique<risk::RiskStage>(run.risk, run.pipeline);
  const StageRun risk = run_stage(*risk_stage, Process::Risk, run.dir, run.pipeline);
  const auto gateway_stage = std::make_unique<GatewayStage>(run.gateway);
  const StageRun gateway = run_stage(*gateway_stage, Process::Gateway, run.dir, run.pipeline);
  const PaperLogRun paper = read_paper_log(run.dir, run.pipeline);

  for (const auto& [seat, stage] : seats) {
    result.edges.push_back(compare(seat_risk(seat), stage, risk));
    result.edges.push_back(compare(risk_seat(seat), risk, stage));
  }
  result.edges.push_back(compare(Edge::RiskGateway, risk, gateway));
  result.edges.push_back(compare(Edge::GatewayRisk, gateway, risk));
  for (EdgeReport& report : compare_paper(gateway, paper))
    result.edges.push_back(std::move(report));

  std::vector<const Film*> films;
  for (const auto& [seat, stage] : seats) films.push_back(stage.film.get());
  films.insert(films.end(), {risk.film.get(), gateway.film.get(), paper.film.get()});
  for (const Film* film : films) result.journals.push_back(film->report());
  check_identity(run, films, result);
  return result;
}

Verification verify(const std::filesystem::path& given) {
  return verify(open_run(given));
}

}  // namespace sluice::replay
