// The verb `check`: the whole configuration as every process would read it, all faults at once.
#include <fmt/format.h>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/pipeline.hpp"
#include "feed/config.hpp"
#include "gateway/config.hpp"
#include "risk/config.hpp"
#include "strategies/catalogue.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"
#include "tools/recorder/config.hpp"
#include "tools/supervisor/config.hpp"

namespace sluice::ctl {
namespace {

struct Whole {
  PipelineConfig pipeline;
  FeedConfig feed;
  risk::RiskConfig risk;
  GatewayConfig gateway;
  RecorderConfig recorder;
  SupervisorConfig supervisor;
};

Whole read(const config::Document& document) {
  const config::Table root = document.root();
  Whole whole;
  whole.pipeline = parse_pipeline(document);
  whole.feed = parse_feed(root.table("feed"), whole.pipeline);
  whole.risk = risk::parse_risk(root.table("risk"), whole.pipeline);
  whole.gateway = parse_gateway(root.table("gateway"), whole.pipeline);
  whole.recorder = parse_recorder(root.table("recorder"));
  whole.supervisor = parse_supervisor(root.table("supervisor"));
  const std::vector<config::Table> tables = root.tables("strategy");
  for (std::size_t i = 0; i < whole.pipeline.strategies.size() && i < tables.size(); ++i) {
    // An unknown kind is thrown, not noted: it becomes a fault like the others.
    try {
      static_cast<void>(strategies::make_strategy(whole.pipeline.strategies[i]));
    } catch (const Error& error) {
      tables[i].fault("kind", error.what());
    }
  }
  return whole;
}

void print_summary(const Whole& whole, const config::Document& document, Console& console) {
  const PipelineConfig& p = whole.pipeline;
  std::string names;
  for (const StrategyEntry& entry : p.strategies)
    names += fmt::format("{}{} (seat {})", names.empty() ? "" : ", ", entry.name, entry.seat);
  console.out("ok: {} instruments, {} strategies, instance {} {}, configuration {}\n",
              p.instruments.size(), p.strategies.size(), p.instance, name_of(p.mode),
              hex(document.hash()));
  console.out("strategies   {}\n", names.empty() ? "none" : names);
  console.out("feed         {}, stale after {}\n", whole.feed.url, age(whole.feed.stale.ns));
  console.out("risk         equity {}, daily loss {}, order notional {}, open orders {}\n",
              decimal(whole.risk.equity.raw), decimal(whole.risk.daily_loss_max.raw),
              decimal(whole.risk.max_order_notional.raw), whole.risk.max_open_orders);
  console.out("gateway      order age {}, open orders {}\n", age(whole.gateway.order_age_max.ns),
              whole.gateway.max_open_orders);
  console.out("recorder     sync every {}, rotate at {} MiB\n", age(whole.recorder.sync.ns),
              whole.recorder.rotate_bytes >> 20);
  console.out("supervisor   cap {}, cool-off {}, state in {}\n", decimal(whole.supervisor.cap.raw),
              age(whole.supervisor.cool_off.ns), p.state_dir.string());
}

void json_summary(const Whole& whole, Json& json) {
  const PipelineConfig& p = whole.pipeline;
  json.field("instance", p.instance)
      .field("mode", name_of(p.mode))
      .field("state_dir", p.state_dir.string());
  json.key("instruments").array();
  for (const Instrument& instrument : p.instruments) json.value(instrument.name);
  json.end().key("strategies").array();
  for (const StrategyEntry& entry : p.strategies) json.value(entry.name);
  json.end()
      .field("cap", decimal(whole.supervisor.cap.raw))
      .field("equity", decimal(whole.risk.equity.raw));
}

}  // namespace

int run_check(const Options& options, Console& console) {
  const config::Document document = config::Document::load(options.first);
  const Whole whole = read(document);
  const std::vector<config::Fault> faults = document.faults();
  const int code = static_cast<int>(faults.empty() ? Exit::Ok : Exit::Usage);
  if (options.json) {
    Json json;
    json.object()
        .field("file", options.first)
        .field("ok", faults.empty())
        .field("hash", hex(document.hash()));
    json.key("faults").array();
    for (const config::Fault& fault : faults)
      json.object()
          .field("line", fault.line)
          .field("column", fault.column)
          .field("text", fault.text)
          .end();
    json.end();
    if (faults.empty()) json_summary(whole, json);
    json.end();
    console.raw(json.text());
    return code;
  }
  for (const config::Fault& fault : faults)
    console.out("{}:{}:{}: {}\n", options.first, fault.line, fault.column, fault.text);
  if (faults.empty())
    print_summary(whole, document, console);
  else
    console.say("{} fault{}: nothing may be started with it\n", faults.size(),
                faults.size() == 1 ? "" : "s");
  return code;
}

}  // namespace sluice::ctl
