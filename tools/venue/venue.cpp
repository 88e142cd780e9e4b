#include "tools/venue/venue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <unordered_map>

#include "core/decimal.hpp"
#include "core/error.hpp"
#include "core/net/server.hpp"
#include "tools/venue/book.hpp"
#include "tools/venue/request.hpp"

namespace sluice::venue {
namespace {

constexpr int kBatch = 64;  // messages to one client before the others have their turn
constexpr std::size_t kMaxReplies = 1024;         // answers a client may leave unread
constexpr std::int64_t kClosing = 3'000'000'000;  // ns for the close handshakes

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Client {
  bool combined = true;  // /stream: messages verbatim; /ws: their data object alone
  StreamMask mask = 0;
  std::size_t cursor = 0;    // next line to consider
  std::uint64_t behind = 0;  // bytes between the cursor and the position, at clock speeds
  std::uint64_t sent = 0;    // messages
  std::uint64_t skip_depth = 0;
  bool closing = false;
  bool muted = false;
  bool choked = false;    // its socket took no more, and has not asked since
  bool torn = false;      // the next send is half a message
  bool released = false;  // no hold, or not any more
  bool had_depth = false;
  std::int64_t held_until = 0;
  std::deque<std::string> replies;  // go before the tape's next message
};

std::string error_body(int code, std::string_view text) {
  return fmt::format(R"({{"code":{},"msg":"{}"}})", code, text);
}

}  // namespace

std::int64_t parse_speed(std::string_view text) {
  if (text == "max") return 0;
  std::int64_t raw = 0;
  if (parse_decimal(text, raw) != DecimalError::None || raw < kScale / 100 ||
      raw > kScale * 10'000) {
    throw Error(Exit::Usage,
                fmt::format("--speed {}: wanted \"max\" or a factor from 0.01 to 10000", text));
  }
  return raw;
}

struct Venue::Impl final : net::ServerHandler {
  Impl(net::Loop& loop, Tape given, Options wanted)
      : tape(std::move(given)), options(std::move(wanted)), book(tape), lines(tape.lines()) {
    if (!options.clock) options.clock = steady_ns;
    if (!options.log) options.log = [](std::string_view) {};
    choose_part();
    position = first;
    net::ServerOptions server_options;
    server_options.address = options.address;
    server_options.port = options.port;
    server.emplace(loop, *this, server_options);
  }

  // --- the tape's clock

  void choose_part() {
    const Part part = part_of(tape, options.from, options.to, options.seconds);
    first = part.first;
    last = part.last;
  }

  [[nodiscard]] bool at_max() const { return options.speed == 0; }

  [[nodiscard]] std::int64_t tape_now() const {
    const detail::Wide moved = detail::Wide{options.clock() - started_ns} * options.speed / kScale;
    return detail::clamp(lines[first].recv_ns + moved);
  }

  void start_if_due() {
    if (started) return;
    const auto subscribed = std::count_if(clients.begin(), clients.end(),
                                          [](const auto& entry) { return entry.second.mask != 0; });
    if (subscribed < static_cast<std::ptrdiff_t>(options.start_on)) return;
    started = true;
    started_ns = options.clock();
  }

  // Moves the position to the clock and adds what has become due to every client's backlog.
  void advance() {
    const std::int64_t now = tape_now();
    while (position < last && lines[position].recv_ns <= now) {
      const Line& line = lines[position++];
      for (auto& [id, client] : clients) {
        if ((client.mask & line.stream) != 0) client.behind += line.text.size();
      }
    }
    for (auto& [id, client] : clients) {
      // A jump of the clock alone is not the client's fault: it must also have been unable to read.
      if (client.behind <= options.backlog_max || !client.choked || client.closing) continue;
      client.closing = true;
      ++totals.too_slow;
      options.log(fmt::format("client {} is {} bytes behind: closed with 1008", id, client.behind));
      server->close(id, net::kClosePolicy, "too slow");
    }
  }

  [[nodiscard]] std::size_t limit() const { return !started ? first : at_max() ? last : position; }

  [[nodiscard]] bool all_served() const {
    if (!started || position < last) return false;
    return std::all_of(clients.begin(), clients.end(), [this](const auto& entry) {
      const Client& client = entry.second;
      return client.closing || client.muted || client.mask == 0 || client.cursor >= last;
    });
  }

  // --- WebSocket

  bool on_ws_open(net::ConnectionId id, const net::Request& request) override {
    if (closing) return false;
    Client client;
    std::string_view names;
    if (request.path == "/stream") {
      names = net::query_value(request.query, "streams");
    } else if (request.path == "/ws" || request.path.starts_with("/ws/")) {
      client.combined = false;
      names = std::string_view(request.path).substr(std::min<std::size_t>(request.path.size(), 4));
    } else {
      return false;
    }
    client.released = !at_max();
    client.cursor = position;
    while (!names.empty()) {
      const std::size_t end = std::min(names.find('/'), names.size());
      subscribe(id, client, names.substr(0, end));
      names.remove_prefix(std::min(end + 1, names.size()));
    }
    clients.emplace(id, std::move(client));
    ++totals.clients;
    return true;
  }

  void subscribe(net::ConnectionId id, Client& client, std::string_view name) {
    if (const auto stream = tape.stream(name)) {
      // Joining live: whatever passed while nothing was subscribed is not made up for.
      if (client.mask == 0) client.cursor = std::max(client.cursor, position);
      client.mask |= *stream;
      recount(client);
      return;
    }
    options.log(fmt::format("client {} asks for {}, which is not on the tape: silent", id,
                            json_string(name.substr(0, 64))));
  }

  // The backlog follows what is subscribed now.
  void recount(Client& client) const {
    client.behind = 0;
    for (std::size_t i = client.cursor; i < position; ++i) {
      if ((lines[i].stream & client.mask) != 0) client.behind += lines[i].text.size();
    }
  }

  void on_ws_message(net::ConnectionId id, std::span<const char> text) override {
    Client& client = clients.at(id);
    if (client.closing) return;
    ClientRequest request = parse_request(text);
    switch (request.method) {
      case Method::None: break;
      case Method::Subscribe:
        for (const std::string& name : request.streams) subscribe(id, client, name);
        break;
      case Method::Unsubscribe:
        for (const std::string& name : request.streams)
          client.mask &= ~tape.stream(name).value_or(0);
        recount(client);
        break;
      case Method::List: request.answer = list(client, request.id); break;
    }
    if (client.replies.size() == kMaxReplies) {
      client.closing = true;
      server->close(id, net::kClosePolicy, "answers are not read");
      return;
    }
    client.replies.push_back(std::move(request.answer));
    server->request_writable(id);
  }

  [[nodiscard]] std::string list(const Client& client, const std::string& id) const {
    std::string names;
    for (std::size_t i = 0; i < tape.streams().size(); ++i) {
      if ((client.mask >> i & 1) == 0) continue;
      names += names.empty() ? "" : ",";
      names += json_string(tape.streams()[i]);
    }
    return fmt::format(R"({{"result":[{}],"id":{}}})", names, id);
  }

  void on_ws_writable(net::ConnectionId id) override {
    Client& client = clients.at(id);
    client.choked = false;
    for (int i = 0; i < kBatch && !client.closing; ++i) {
      fire_faults(id, client);
      if (!client.replies.empty()) {
        client.choked = !server->send_text(id, client.replies.front());
        if (client.choked) break;
        client.replies.pop_front();
      } else if (!send_next(id, client)) {
        break;
      }
    }
    if (!client.closing && (!client.replies.empty() || has_work(client)))
      server->request_writable(id);
  }

  void on_ws_closed(net::ConnectionId id) override { clients.erase(id); }

  // Whether a message of the tape is due and may go. Moves the cursor over what the client did not
  // ask for.
  bool has_work(Client& client) {
    const std::size_t end = limit();
    if (client.muted || client.mask == 0) return false;
    for (; client.cursor < end; ++client.cursor) {
      const Line& line = lines[client.cursor];
      if ((line.stream & client.mask) == 0) continue;
      if (client.skip_depth > 0 && line.depth) {
        --client.skip_depth;
        client.behind -= std::min<std::uint64_t>(client.behind, line.text.size());
        continue;
      }
      return client.released || !is_held(client);
    }
    if (at_max()) position = std::max(position, client.cursor);
    return false;
  }

  bool is_held(Client& client) {
    const bool before_snapshot = tape.snapshot() && client.cursor <= *tape.snapshot();
    if (!client.had_depth || before_snapshot) return false;
    const std::int64_t now = options.clock();
    if (client.held_until == 0) client.held_until = now + options.hold.ns;
    client.released = now >= client.held_until;
    return !client.released;
  }

  bool send_next(net::ConnectionId id, Client& client) {
    if (!has_work(client)) return false;
    const Line& line = lines[client.cursor];
    const std::string_view text = client.combined ? line.text : line.data;
    if (client.torn) {
      if (!server->send_fragment(id, text.substr(0, text.size() / 2))) return false;
      client.closing = true;
      server->drop(id);
      return false;
    }
    client.choked = !server->send_text(id, text);
    if (client.choked) return false;
    ++client.cursor;
    ++client.sent;
    client.had_depth = client.had_depth || line.depth;
    client.behind -= std::min<std::uint64_t>(client.behind, line.text.size());
    ++totals.messages;
    totals.bytes += text.size();
    if (at_max()) position = std::max(position, client.cursor);
    return true;
  }

  void fire_faults(net::ConnectionId id, Client& client) {
    for (Fault& fault : options.faults) {
      if (fault.fired || client.sent < fault.after || client.mask == 0) continue;
      fault.fired = true;
      ++totals.faults;
      options.log(fmt::format("fault after message {} to client {}", client.sent, id));
      switch (fault.kind) {
        case FaultKind::CloseMidMessage: client.torn = true; break;
        case FaultKind::MalformedJson:
        case FaultKind::InvalidUtf8:
        case FaultKind::Oversize: client.replies.push_back(injected_message(fault)); break;
        case FaultKind::Mute: client.muted = true; break;
        case FaultKind::Drop:
          client.closing = true;
          server->drop(id);
          break;
        case FaultKind::Gap: client.skip_depth += fault.n; break;
      }
    }
  }

  // --- HTTP

  net::Response on_http(const net::Request& request) override {
    ++totals.requests;
    net::Response out;
    if (request.path == "/api/v3/ping") {
      out.body = "{}";
    } else if (request.path == "/api/v3/time") {
      out.body = fmt::format(R"({{"serverTime":{}}})", market_ms());
    } else if (request.path == "/api/v3/depth") {
      depth(request.query, out);
    } else {
      out.status = 404;
      out.body = error_body(-1, "Not found.");
    }
    return out;
  }

  [[nodiscard]] std::int64_t market_ms() const {
    std::int64_t ns = lines[first].recv_ns;
    if (started && !at_max()) ns = std::min(tape_now(), lines[last - 1].recv_ns);
    if (at_max() && position > first) ns = lines[position - 1].recv_ns;
    return (ns + tape.clock_offset_ns()) / 1'000'000;
  }

  void depth(std::string_view query, net::Response& out) {
    const std::string_view symbol = net::query_value(query, "symbol");
    const std::string_view limit_text = net::query_value(query, "limit");
    std::uint32_t levels = 1000;
    out.status = 400;
    if (symbol.empty()) {
      out.body = error_body(
          -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
      return;
    }
    if (symbol != tape.symbol()) {
      out.body = error_body(-1121, "Invalid symbol.");
      return;
    }
    if (!limit_text.empty()) {
      const char* const end = limit_text.data() + limit_text.size();
      const auto [stop, error] = std::from_chars(limit_text.data(), end, levels);
      if (error != std::errc() || stop != end || levels == 0) {
        out.body = error_body(-1100, "Illegal characters found in parameter 'limit'.");
        return;
      }
    }
    out.status = 200;
    out.body = book.snapshot(position, std::min(levels, 5000u));
    for (auto& [id, client] : clients) {
      if (client.mask == 0 || client.released) continue;
      client.released = true;
      server->request_writable(id);
    }
  }

  // --- turns

  void poll() {
    start_if_due();
    if (started && !at_max()) advance();
    for (auto& [id, client] : clients) {
      if (!client.closing && has_work(client)) server->request_writable(id);
    }
    if (closing || !all_served()) return;
    const std::int64_t now = options.clock();
    if (ended_ns == 0) ended_ns = now;
    if (options.once && now - ended_ns >= options.linger.ns)
      close_all(net::kCloseNormal, "end of tape");
  }

  void close_all(std::uint16_t code, std::string_view reason) {
    if (closing) return;
    closing = true;
    closing_ns = options.clock();
    if (ended_ns == 0) ended_ns = closing_ns;
    for (auto& [id, client] : clients) {
      if (!client.closing) server->close(id, code, reason);
      client.closing = true;
    }
  }

  [[nodiscard]] Duration next_wait() const {
    constexpr Duration kIdle = Duration::millis(100);  // bounds how late a signal is seen
    constexpr Duration kShort = Duration::millis(5);
    if (closing || (started && position == last)) return kShort;
    if (!started) return kIdle;
    if (at_max()) {
      const bool held = std::any_of(clients.begin(), clients.end(), [](const auto& entry) {
        return entry.second.held_until != 0 && !entry.second.released;
      });
      return held ? kShort : kIdle;
    }
    const detail::Wide ahead =
        detail::Wide{lines[position].recv_ns - lines[first].recv_ns} * kScale;
    const Duration due{detail::clamp(ahead / options.speed - (options.clock() - started_ns))};
    return std::clamp(due, Duration::millis(1), kIdle);
  }

  Tape tape;
  Options options;
  Book book;
  std::span<const Line> lines;
  std::size_t first = 0;  // the part that is served: lines first .. last - 1
  std::size_t last = 0;
  std::size_t position = 0;  // lines that have passed
  bool started = false;
  bool closing = false;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;  // 0: not yet
  std::int64_t closing_ns = 0;
  Totals totals;
  std::unordered_map<net::ConnectionId, Client> clients;
  std::optional<net::Server> server;
};

Venue::Venue(net::Loop& loop, Tape tape, Options options)
    : impl_(std::make_unique<Impl>(loop, std::move(tape), std::move(options))) {}
Venue::~Venue() = default;

void Venue::poll() {
  impl_->poll();
}
Duration Venue::next_wait() const {
  return impl_->next_wait();
}
void Venue::shut_down() {
  impl_->close_all(net::kCloseGoingAway, "the venue is shutting down");
}

bool Venue::finished() const {
  return impl_->closing && (impl_->server->connections() == 0 ||
                            impl_->options.clock() - impl_->closing_ns > kClosing);
}

std::uint16_t Venue::port() const {
  return impl_->server->port();
}
std::size_t Venue::position() const {
  return impl_->position;
}
bool Venue::at_end() const {
  return impl_->all_served();
}

Totals Venue::totals() const {
  Totals out = impl_->totals;
  if (!impl_->started) return out;
  out.host_ns =
      (impl_->ended_ns != 0 ? impl_->ended_ns : impl_->options.clock()) - impl_->started_ns;
  if (impl_->position > impl_->first) {
    out.tape_ns = impl_->lines[impl_->position - 1].recv_ns - impl_->lines[impl_->first].recv_ns;
  }
  return out;
}

}  // namespace sluice::venue
