#include "tools/replay/run_config.hpp"

#include "core/error.hpp"
#include "strategies/catalogue.hpp"
#include "tools/supervisor/config.hpp"

namespace sluice::replay {

RunConfig parse_run_config(const config::Document& document) {
  const config::Table root = document.root();
  RunConfig config;
  config.pipeline = parse_pipeline(document);
  config.feed = parse_feed(root.table("feed"), config.pipeline);
  config.risk = risk::parse_risk(root.table("risk"), config.pipeline);
  config.gateway = parse_gateway(root.table("gateway"), config.pipeline);
  config.cap = parse_supervisor(root.table("supervisor")).cap;
  config.hash = document.hash();
  const std::vector<config::Table> tables = root.tables("strategy");
  for (std::size_t i = 0; i < config.pipeline.strategies.size() && i < tables.size(); ++i) {
    // An unknown kind is thrown, not noted: it becomes a fault with a place like the others.
    try {
      static_cast<void>(strategies::make_strategy(config.pipeline.strategies[i]));
    } catch (const Error& error) {
      tables[i].fault("kind", error.what());
    }
  }
  document.check();
  return config;
}

RunConfig load_run_config(const std::filesystem::path& conf) {
  return parse_run_config(config::Document::load(conf));
}

}  // namespace sluice::replay
