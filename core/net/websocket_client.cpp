#include "core/net/websocket_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/net/lws.hpp"
#include "core/net/utf8.hpp"

namespace sluice::net {
namespace {

enum class State : std::uint8_t { Idle, Connecting, Open, Closing };

// Who ended a connection without a close frame from the peer.
enum class End : std::uint8_t { ByPeer, ByPing, ByUs };

// `unanswered`: since the last pong, or since the connection opened.
End how_it_ended(lws* wsi, lws_usec_t unanswered, const WebSocketOptions& options) noexcept {
  const int fd = lws_get_socket_fd(wsi);
  char byte = 0;
  const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return End::ByPeer;
  // The peer has not closed, so the library did: for want of a pong, or for bytes it could not
  // accept. It counts pongs alone, however much data arrives meanwhile. Who answers pings is never
  // silent for much longer than ping_s; half way to hangup_s neither clock can blur the two.
  const lws_usec_t half_way = (options.ping_s + options.hangup_s) * lws_usec_t{LWS_US_PER_SEC} / 2;
  return unanswered >= half_way ? End::ByPing : End::ByUs;
}

}  // namespace

std::string_view to_text(Failure failure) noexcept {
  switch (failure) {
    case Failure::Unreachable: return "unreachable";
    case Failure::Refused: return "refused";
    case Failure::Timeout: return "timeout";
    case Failure::Handshake: return "handshake rejected";
    case Failure::Tls: return "TLS failed";
    case Failure::Oversize: return "message too big";
    case Failure::InvalidUtf8: return "invalid UTF-8";
    case Failure::Protocol: return "protocol error";
    case Failure::ClosedMidMessage: return "closed within a message";
    case Failure::Lost: return "connection lost";
  }
  return "?";
}

struct WebSocketClient::Impl {
  Impl(Loop::Impl& on, std::string_view address, WebSocketHandler& to, WebSocketOptions given)
      : loop(on),
        url(parse_url(address)),
        handler(to),
        options(given),
        assembler(given.max_message, true) {
    if (!url.websocket) {
      throw Error(Exit::Usage, fmt::format("bad URL \"{}\": ws:// or wss:// is wanted", address));
    }
    validity.secs_since_valid_ping = options.ping_s;
    validity.secs_since_valid_hangup = options.hangup_s;
    later.owner = this;
  }

  void fail(Failure failure, const std::string& text) {
    if (failed) return;  // one cause per attempt: what follows from it is not a second one
    failed = true;
    handler.on_error(failure, text);
  }

  // The last act of every attempt.
  void finish() {
    later.stop();
    wsi = nullptr;
    state = State::Idle;
    outgoing.clear();
    outgoing_bytes = 0;
    assembler.reset();
    const std::uint16_t code = close_code;
    const std::string reason = std::move(close_reason);
    handler.on_closed(code, reason);
  }

  // Ends the connection without a close handshake. During the library's handshake
  // (libwebsockets 4.1) what is left of the message is written behind the end of its receive
  // buffer: a venue could corrupt our heap.
  int refuse(Failure failure, std::uint16_t code, const std::string& text) {
    close_code = code;
    close_reason = text;
    state = State::Closing;
    fail(failure, text);
    return -1;  // without a reason for the library: it then ends the connection at once
  }

  // Ends the attempt whatever the peer and the library do: neither is waited for.
  void cut() {
    state = State::Closing;
    if (wsi != nullptr) abandon(wsi);
    wsi = nullptr;
    later.start(loop, Duration::millis(1),
                [](lws_sorted_usec_list_t* sul) { Timer<Impl>::of(sul).finish(); });
  }

  int receive(const void* in, std::size_t size) {
    if (state != State::Open) return 0;
    switch (assembler.add(wsi, in, size)) {
      case Assembler::Result::Partial: return 0;
      case Assembler::Result::TooBig:
        ++oversize;
        return refuse(
            Failure::Oversize, kCloseTooBig,
            fmt::format("message of {} bytes exceeds {}", assembler.size(), options.max_message));
      case Assembler::Result::Whole: break;
    }
    const std::span<const char> message = assembler.message();
    if (!assembler.binary() && !valid_utf8(message)) {
      return refuse(Failure::InvalidUtf8, kCloseInvalidPayload, "message is not valid UTF-8");
    }
    ++messages;
    bytes += message.size();
    if (assembler.binary()) {
      handler.on_binary(message);
    } else {
      handler.on_message(message);
    }
    return 0;
  }

  int writeable() {
    if (state == State::Closing) {
      set_close_reason(wsi, close_code, close_reason);
      return -1;
    }
    if (outgoing.empty()) return 0;
    std::string& next = outgoing.front();
    const std::size_t size = next.size() - LWS_PRE;
    auto* const data = reinterpret_cast<unsigned char*>(next.data()) + LWS_PRE;
    if (lws_write(wsi, data, size, LWS_WRITE_TEXT) < 0) return -1;
    outgoing_bytes -= size;
    outgoing.pop_front();
    if (!outgoing.empty()) lws_callback_on_writable(wsi);
    return 0;
  }

  void connect_failed(const void* in, std::size_t size) {
    const std::string_view text = in == nullptr
                                      ? std::string_view("the connection could not be started")
                                      : std::string_view(static_cast<const char*>(in), size);
    const auto has = [text](std::string_view word) { return text.find(word) != text.npos; };
    const auto status = wsi == nullptr ? 0u : lws_http_client_http_response(wsi);
    const std::string where = fmt::format("{}:{}", url.host, url.port);
    if (status != 0 && status != 101) {
      fail(Failure::Handshake, fmt::format("{} rejected the handshake: HTTP {}", where, status));
    } else if (has("HS:") || has("ws upgrade") || has("closed before established")) {
      fail(Failure::Handshake, fmt::format("{} rejected the handshake: {}", where, text));
    } else if (has("imed out") || has("imeout")) {
      fail(Failure::Timeout, fmt::format("{} did not answer in time", where));
    } else if (has("tls") || has("TLS") || has("ssl") || has("SSL") || has("cert")) {
      fail(Failure::Tls, fmt::format("{}: {}", where, text));
    } else if (text == kNobodyThere) {
      fail(Failure::Refused,
           fmt::format("{} refused the connection: nobody listens there, or no route", where));
    } else {
      fail(Failure::Unreachable, fmt::format("{} cannot be reached: {}", where, text));
    }
  }

  void peer_closing(const void* in, std::size_t size) {
    if (state == State::Closing) return;  // the answer to our own close frame
    const auto* const frame = static_cast<const unsigned char*>(in);
    peer_closed = true;
    close_code = kCloseNoStatus;
    if (size < 2) return;
    close_code = static_cast<std::uint16_t>(frame[0] << 8 | frame[1]);
    close_reason.assign(static_cast<const char*>(in) + 2, size - 2);
    // It ends up in a log, where a peer must not begin lines of its own.
    for (char& c : close_reason)
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }

  void closed() {
    if (assembler.partial() && !failed && state == State::Open) {
      fail(
          Failure::ClosedMidMessage,
          fmt::format("connection ended within a message, after {} bytes of it", assembler.size()));
    } else if (state == State::Open && !peer_closed) {
      switch (how_it_ended(wsi, lws_now_usecs() - answered_at, options)) {
        case End::ByPeer: fail(Failure::Lost, "connection ended without a close handshake"); break;
        case End::ByPing:
          fail(Failure::Timeout, fmt::format("no pong for {} s", options.hangup_s));
          break;
        case End::ByUs: fail(Failure::Protocol, "the peer broke the WebSocket protocol"); break;
      }
    }
    finish();
  }

  Loop::Impl& loop;
  Url url;
  WebSocketHandler& handler;
  WebSocketOptions options;
  lws_retry_bo_t validity{};
  Assembler assembler;
  lws* wsi = nullptr;
  State state = State::Idle;
  bool failed = false;         // this attempt has reported its cause
  bool peer_closed = false;    // the peer sent a close frame
  lws_usec_t answered_at = 0;  // the last pong, or the connection's opening
  std::uint16_t close_code = kCloseAbnormal;
  std::string close_reason;
  std::deque<std::string> outgoing;  // each with LWS_PRE bytes of room in front
  std::size_t outgoing_bytes = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t oversize = 0;
  Timer<Impl> later;  // a failure inside connect() is reported from the loop, not from connect()
  std::string early_text;
};

int websocket_client_callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                              std::size_t size) {
  auto* const self =
      wsi == nullptr ? nullptr : static_cast<WebSocketClient::Impl*>(lws_get_opaque_user_data(wsi));
  switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      if (self == nullptr) return 0;
      if (self->wsi == nullptr) {  // still inside connect()
        self->early_text.assign(static_cast<const char*>(in), in == nullptr ? 0 : size);
        lws_set_opaque_user_data(wsi, nullptr);
        return 0;
      }
      self->connect_failed(in, size);
      self->finish();
      return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      if (self == nullptr) return -1;
      self->state = State::Open;
      self->answered_at = lws_now_usecs();
      self->handler.on_open();
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE: return self == nullptr ? -1 : self->receive(in, size);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
      if (self != nullptr) self->answered_at = lws_now_usecs();
      return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return self == nullptr ? -1 : self->writeable();
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      if (self != nullptr) self->peer_closing(in, size);
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      if (self == nullptr) return 0;
      lws_set_opaque_user_data(wsi, nullptr);
      self->closed();
      return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, size);
  }
}

WebSocketClient::WebSocketClient(Loop& loop, std::string_view url, WebSocketHandler& handler,
                                 WebSocketOptions options)
    : impl_(std::make_unique<Impl>(loop.impl(), url, handler, options)) {}

WebSocketClient::~WebSocketClient() {
  impl_->later.stop();
  if (impl_->wsi != nullptr) abandon(impl_->wsi);
}

void WebSocketClient::connect() {
  Impl& self = *impl_;
  if (self.state != State::Idle) return;
  self.state = State::Connecting;
  self.failed = self.peer_closed = false;
  self.close_code = kCloseAbnormal;
  self.close_reason.clear();
  self.early_text.clear();
  self.wsi = self.loop.connect(self.url, "sluice-ws", nullptr, &self, &self.validity);
  if (self.wsi != nullptr) return;
  self.later.start(self.loop, Duration::millis(1), [](lws_sorted_usec_list_t* sul) {
    Impl& owner = Timer<Impl>::of(sul);
    owner.connect_failed(owner.early_text.empty() ? nullptr : owner.early_text.data(),
                         owner.early_text.size());
    owner.finish();
  });
}

bool WebSocketClient::send_text(std::string_view text) {
  Impl& self = *impl_;
  if (self.state != State::Open || self.outgoing_bytes + text.size() > self.options.max_pending) {
    return false;
  }
  std::string& message = self.outgoing.emplace_back(LWS_PRE, '\0');
  message += text;
  self.outgoing_bytes += text.size();
  lws_callback_on_writable(self.wsi);
  return true;
}

void WebSocketClient::close(std::uint16_t code, std::string_view reason) {
  Impl& self = *impl_;
  if (self.state == State::Idle || self.state == State::Closing) return;
  self.close_code = code;
  self.close_reason = reason;
  if (self.state == State::Open) {
    self.state = State::Closing;
    lws_callback_on_writable(self.wsi);
    // A peer that does not read would never make the socket writable.
    lws_set_timeout(self.wsi, PENDING_TIMEOUT_CLOSE_SEND, 3);
    return;
  }
  self.cut();
}

void WebSocketClient::drop(std::string_view reason) {
  Impl& self = *impl_;
  if (self.state == State::Idle) return;
  self.close_code = kCloseAbnormal;
  self.close_reason = reason;
  self.cut();
}

bool WebSocketClient::is_open() const noexcept {
  return impl_->state == State::Open;
}
bool WebSocketClient::is_idle() const noexcept {
  return impl_->state == State::Idle;
}
std::uint64_t WebSocketClient::messages() const noexcept {
  return impl_->messages;
}
std::uint64_t WebSocketClient::bytes() const noexcept {
  return impl_->bytes;
}
std::uint64_t WebSocketClient::oversize() const noexcept {
  return impl_->oversize;
}

}  // namespace sluice::net
