// sluice-bench latency: how long a tick takes to an order at a stated rate.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/pipeline/beside_bare.hpp"
#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/session.hpp"

namespace sluice::bench {
namespace {

// The same picture with and without the topology beside it.
struct Result {
  Measured measured;
  std::vector<SlaRow> rows;
  std::vector<Curve> curves;
  std::string table;
  std::string json;
};

Result alone(const Session& session, const Sla& sla) {
  Result result;
  result.measured = measure(session, "latency", session.rate, session.seconds);
  result.rows = judge(sla, result.measured.hops, result.measured.rate);
  result.curves = curves_of(result.measured.spans);
  return result;
}

Result beside_bare(const Session& session, const Sla& sla) {
  BesideBare both = measure_beside_bare(session, session.bare_blocks);
  Result result;
  result.rows = judge(sla, both.real.hops, both.real.rate);
  result.rows.push_back(bare_row(sla, both));
  result.curves = curves_of(both.real.spans);
  result.curves.push_back(curve_of("bare", both.bare));
  result.table = bare_table(both) + "\n";
  result.json = "\"bare\": " + bare_json(both);
  result.measured = std::move(both.real);
  return result;
}

Exit latency(const Session& session) {
  const Sla sla = load_sla(session.sla);
  const Result result = session.bare_blocks != 0 ? beside_bare(session, sla) : alone(session, sla);
  const Measured& measured = result.measured;
  fmt::print("{}\n{}\n{}{}", table_of(measured),
             bars_of(measured.hops, ::isatty(STDOUT_FILENO) == 1), result.table,
             verdict_of(result.rows, measured.setting.unfit.empty()));
  write_file(session.json, json_of(measured, result.rows, result.json));
  write_file(session.svg,
             svg_of(fmt::format("Tick to order at {:.0f} ticks per second", measured.rate),
                    setting_lines(measured.setting), result.curves));
  return exit_of(session, measured.setting, all_met(result.rows));
}

}  // namespace

Command add_latency(CLI::App& app) {
  const auto session = std::make_shared<Session>();
  CLI::App* line = app.add_subcommand(
      "latency", "The real processes at a stated rate: every hop, and from tick to order.");
  add_session_flags(*line, *session);
  add_rate_flags(*line, *session);
  const auto bare = std::make_shared<bool>(false);
  const auto blocks = std::make_shared<std::size_t>(5);
  line->add_flag("--bare", *bare, "in turn with the same processes passing empty records");
  line->add_option("--blocks", *blocks, "with --bare: of each")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  return {line, [session, bare, blocks] {
            bind_session(*session);
            if (*bare && session->rig.origin == Origin::Venue)
              throw Error(Exit::Usage, "--bare needs --source synthetic: both at one rate");
            if (*bare) session->bare_blocks = *blocks;
            return latency(*session);
          }};
}

}  // namespace sluice::bench
