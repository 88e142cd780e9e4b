#include "tools/replay/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/journal_file.hpp"

namespace fs = std::filesystem;

namespace sluice::replay {
namespace {

// Run directories below `dir`, oldest first. Ordinals have leading zeros, so names sort as numbers
// do.
std::vector<fs::path> runs_in(const fs::path& dir) {
  std::vector<fs::path> runs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    const bool ordinal = name.size() == 5 && std::all_of(name.begin(), name.end(), [](char c) {
                           return c >= '0' && c <= '9';
                         });
    if (ordinal && entry.is_directory(error)) runs.push_back(entry.path());
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

fs::path find_run(const fs::path& given, std::string& chosen) {
  std::error_code error;
  if (!fs::is_directory(given, error))
    throw Error(Exit::Unqualified, fmt::format("{}: is not a directory", given.string()));
  if (fs::exists(given / "pipeline.toml", error)) return given;
  if (!list_journals(given).empty())
    throw Error(Exit::Unqualified,
                fmt::format("{}: holds journals but no pipeline.toml, and stages are made from "
                            "the configuration; put the run's copy back",
                            given.string()));
  for (const fs::path& dir : {given / "runs", given}) {
    const std::vector<fs::path> runs = runs_in(dir);
    if (runs.empty()) continue;
    chosen = fmt::format("{} holds {} run{}; this is the newest", given.string(), runs.size(),
                         runs.size() == 1 ? "" : "s");
    if (!fs::exists(runs.back() / "pipeline.toml", error))
      throw Error(Exit::Unqualified,
                  fmt::format("{}: the newest run has no pipeline.toml", runs.back().string()));
    return runs.back();
  }
  throw Error(Exit::Unqualified,
              fmt::format("{}: is neither a run (pipeline.toml and journals) nor a state "
                          "directory (runs/00001, ...)",
                          given.string()));
}

}  // namespace

RunFiles open_run(const fs::path& given) {
  RunFiles run;
  run.dir = find_run(given, run.chosen);
  try {
    const config::Document document = config::Document::load(run.dir / "pipeline.toml");
    run.config_hash = document.hash();
    run.pipeline = parse_pipeline(document);
    run.risk = risk::parse_risk(document.root().table("risk"), run.pipeline);
    run.gateway = parse_gateway(document.root().table("gateway"), run.pipeline);
    document.check();
  } catch (const Error& error) {
    throw Error(Exit::Unqualified, error.what());
  }
  return run;
}

}  // namespace sluice::replay
