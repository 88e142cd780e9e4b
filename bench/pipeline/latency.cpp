// sluice-bench latency: how long a tick takes to an order at a stated rate.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/session.hpp"

namespace sluice::bench {
namespace {

Exit latency(const Session& session) {
  const Sla sla = load_sla(session.sla);
  const Measured measured = measure(session, "latency", session.rate, session.seconds);
  const std::vector<SlaRow> rows = judge(sla, measured.hops, measured.rate);
  fmt::print("{}\n{}\n{}", table_of(measured), bars_of(measured.hops, ::isatty(STDOUT_FILENO) == 1),
             verdict_of(rows, measured.setting.unfit.empty()));
  write_file(session.json, json_of(measured, rows));
  write_file(session.svg,
             svg_of(fmt::format("Tick to order at {:.0f} ticks per second", measured.rate),
                    setting_lines(measured.setting), curves_of(measured.spans)));
  return exit_of(session, measured.setting, all_met(rows));
}

}  // namespace

Command add_latency(CLI::App& app) {
  const auto session = std::make_shared<Session>();
  CLI::App* line = app.add_subcommand(
      "latency", "The real processes at a stated rate: every hop, and from tick to order.");
  add_session_flags(*line, *session);
  add_rate_flags(*line, *session);
  return {line, [session] {
            bind_session(*session);
            return latency(*session);
          }};
}

}  // namespace sluice::bench
