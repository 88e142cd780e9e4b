#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/journal/journal.hpp"
#include "bench/machine/out_file.hpp"

namespace sluice::bench {

Command add_journal(CLI::App& app) {
  struct Wanted {
    JournalPlan plan;
    std::string json;
  };
  const auto wanted = std::make_shared<Wanted>();
  JournalPlan& plan = wanted->plan;
  CLI::App* line = app.add_subcommand(
      "journal", "What an append to a journal costs while the recorder files and rotates it.");
  line->add_option("--conf", plan.conf, "sizes of the journal; [recorder]")->capture_default_str();
  line->add_option("--mib", plan.mib, "of entries")
      ->check(CLI::Range(1, 1'048'576))
      ->capture_default_str();
  line->add_option("--rotate-mib", plan.rotate_mib, "size of a file of the journal")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  const CLI::Option* cpu = line->add_option("--cpu", plan.cpus.mine, "of the writer");
  const CLI::Option* peer = line->add_option("--peer-cpu", plan.cpus.peer, "of the recorder");
  line->footer("Without --cpu and --peer-cpu: the first two that it may run on.");
  line->add_option("--dir", plan.dir, "where the journal is filed; $TMPDIR without it");
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  return {line, [wanted, cpu, peer] {
            if (cpu->count() == 0 && peer->count() == 0) wanted->plan.cpus = first_two();
            must_be_writable(wanted->json);
            const JournalResult result = run_journal(wanted->plan);
            std::fputs(journal_table(wanted->plan, result).c_str(), stdout);
            write_file(wanted->json, journal_json(wanted->plan, result));
            return result.met() ? Exit::Ok : Exit::No;
          }};
}

}  // namespace sluice::bench
