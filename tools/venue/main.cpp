// sluice-venue: serves a recorded session on loopback as if it were the exchange.
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "core/build.hpp"
#include "core/error.hpp"
#include "core/net/loop.hpp"
#include "tools/venue/venue.hpp"

namespace {

using namespace sluice;

volatile std::sig_atomic_t stop_signal = 0;

struct CommandLine {
  venue::Options venue;
  std::string capture;
  std::string speed = "1";
  std::string port_file;
  std::vector<std::string> faults;
  double linger_s = 5;
  std::size_t backlog_mb = 64;
  bool expose = false;
  bool json = false;
};

constexpr const char* kFooter = R"(
It listens on 127.0.0.1 and speaks the spot protocol of Binance:
  ws://127.0.0.1:9443/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms
  ws://127.0.0.1:9443/ws                 then {"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}
  http://127.0.0.1:9443/api/v3/depth?symbol=BTCUSDT      also /api/v3/time and /api/v3/ping

Examples:
  sluice-venue --capture tape.gz                         the session as it was, from the first client on
  sluice-venue --capture tape.gz --speed 12 --once       six minutes in thirty seconds, then exit
  sluice-venue --capture tape.gz --speed max --port 0 --port-file /run/venue.port
  sluice-venue --capture tape.gz --fault drop:@500 --fault gap:@2000:3

Faults (each happens once, to the first connection that has received MSG messages):
  drop:@MSG  close-mid-message:@MSG  malformed-json:@MSG  invalid-utf8:@MSG  mute:@MSG
  oversize:@MSG[:BYTES]  gap:@MSG[:DEPTH_MESSAGES]

Exit codes: 0 done or stopped by SIGTERM, 1 port busy or capture damaged, 2 wrong command line or
capture missing, 130 stopped by Ctrl-C.)";

void describe(CLI::App& app, CommandLine& line) {
  app.footer(kFooter);
  app.set_version_flag("--version",
                       fmt::format("sluice-venue {} (build {})", version(), build_id()),
                       "print the version and exit");
  app.add_option("--capture", line.capture,
                 "The recorded session: gzip of \"<receive ns> <JSON>\" lines")
      ->required();
  app.add_option("--port", line.venue.port, "Port to listen on; 0 takes any free one")
      ->capture_default_str();
  app.add_option("--address", line.venue.address,
                 "Address to listen on; not loopback needs --expose")
      ->capture_default_str();
  app.add_flag("--expose", line.expose, "Allow an --address that other machines can reach");
  app.add_option("--speed", line.speed,
                 "1 = as recorded, 12 = twelve times as fast, max = as fast as each client reads")
      ->capture_default_str();
  app.add_option("--start-on", line.venue.start_on, "Start the tape when N clients have subscribed")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1000u));
  app.add_option("--from", line.venue.from, "First line of the tape to serve")
      ->capture_default_str();
  auto* const to = app.add_option("--to", line.venue.to, "Last line of the tape to serve");
  app.add_option("--seconds", line.venue.seconds, "Serve N seconds of tape, beginning at --from")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->excludes(to);
  app.add_flag("--once", line.venue.once, "At the end of the tape close the clients and exit");
  app.add_option("--linger", line.linger_s, "Seconds to stay after the end of the tape with --once")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--backlog", line.backlog_mb,
                 "MiB a client may fall behind before it is closed (1008)")
      ->capture_default_str()
      ->check(CLI::Range(1u, 4096u));
  app.add_option("--port-file", line.port_file,
                 "Write the chosen port to this file once listening");
  app.add_option("--fault", line.faults, "Misbehave on purpose: KIND:@MSG, see below; repeatable");
  app.add_flag("--json", line.json, "Print the final report as one JSON object");
}

// Written beside and renamed, so that a script never reads half a number.
void write_port(const std::string& path, std::uint16_t port) {
  const std::string partial = fmt::format("{}.{}", path, ::getpid());
  std::ofstream file(partial);
  file << port << '\n';
  file.close();
  if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
    ::unlink(partial.c_str());
    throw Error(fmt::format("cannot write the port file {}", path));
  }
}

void report(const venue::Totals& t, bool json) {
  const double seconds = static_cast<double>(t.host_ns) / 1e9;
  const double tape = static_cast<double>(t.tape_ns) / 1e9;
  if (json) {
    fmt::print(
        "{{\"messages\":{},\"bytes\":{},\"clients\":{},\"requests\":{},\"too_slow\":{},"
        "\"faults\":{},\"tape_s\":{:.3f},\"seconds\":{:.3f}}}\n",
        t.messages, t.bytes, t.clients, t.requests, t.too_slow, t.faults, tape, seconds);
    return;
  }
  fmt::print(
      "served {} messages ({} bytes) to {} clients, {} HTTP requests; {:.3f} s of tape in {:.3f} "
      "s{}\n",
      t.messages, t.bytes, t.clients, t.requests, tape, seconds,
      t.too_slow == 0 ? "" : fmt::format("; {} closed as too slow", t.too_slow));
}

Exit run(CommandLine line) {
  const std::string& address = line.venue.address;
  if (!line.expose && !address.starts_with("127.") && address != "::1") {
    throw Error(
        Exit::Usage,
        fmt::format("--address {}: other machines could reach the simulated venue; add --expose "
                    "if that is wanted",
                    address));
  }
  line.venue.speed = venue::parse_speed(line.speed);
  line.venue.linger = Duration::millis(static_cast<std::int64_t>(line.linger_s * 1000));
  line.venue.backlog_max = line.backlog_mb << 20;
  for (const std::string& fault : line.faults)
    line.venue.faults.push_back(venue::parse_fault(fault));
  const auto log = [](std::string_view text) { fmt::print(stderr, "sluice-venue: {}\n", text); };
  line.venue.log = log;

  venue::Tape tape = venue::Tape::load(line.capture);
  net::LoopOptions loop_options;
  loop_options.log = log;
  net::Loop loop(std::move(loop_options));
  venue::Venue venue(loop, std::move(tape), line.venue);
  for (const int signal : {SIGTERM, SIGINT}) {
    struct sigaction action {};
    action.sa_handler = [](int number) { stop_signal = number; };
    ::sigaction(signal, &action, nullptr);
  }
  if (!line.port_file.empty()) write_port(line.port_file, venue.port());
  log(fmt::format("listening on {} port {}, speed {}", address, venue.port(), line.speed));

  while (!venue.finished()) {
    loop.wait(venue.next_wait());
    if (stop_signal != 0) venue.shut_down();
    venue.poll();
  }
  report(venue.totals(), line.json);
  return stop_signal == SIGINT ? Exit::Interrupted : Exit::Ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "A simulated exchange: serves a recorded session over WebSocket and HTTP on loopback.");
  CommandLine line;
  describe(app, line);
  try {
    app.parse(argc, argv);
    return static_cast<int>(run(std::move(line)));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "sluice-venue: {} (see --help)\n", error.what());
    return static_cast<int>(sluice::Exit::Usage);
  } catch (const sluice::Error& error) {
    fmt::print(stderr, "sluice-venue: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice-venue: {}\n", error.what());
    return static_cast<int>(sluice::Exit::No);
  }
}
