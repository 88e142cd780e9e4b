#include "core/net/server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unordered_map>

#include "core/error.hpp"
#include "core/net/lws.hpp"
#include "core/net/utf8.hpp"

namespace sluice::net {
namespace {

// Binds and releases, because the library does not tell a busy port from a bad address.
void check_address(const ServerOptions& options) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, options.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(options.port);
    size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, options.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options.port);
    size = sizeof(*v6);
  } else {
    throw Error(Exit::Usage, fmt::format("\"{}\" is not an IP address", options.address));
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Only listening shows a port that somebody bound with SO_REUSEADDR and listens on.
  const bool free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0 && ::listen(fd, 1) == 0;
  const int error = errno;
  ::close(fd);
  if (free) return;
  const std::string why = std::generic_category().message(error);
  if (error == EADDRINUSE) {
    throw Error(
        fmt::format("port {} on {} is busy: another process listens there; choose another "
                    "port, or 0 for any free one",
                    options.port, options.address));
  }
  throw Error(fmt::format("cannot listen on {} port {}: {}", options.address, options.port, why));
}

std::string header(lws* wsi, lws_token_indexes token) {
  const int size = lws_hdr_total_length(wsi, token);
  if (size <= 0) return {};
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, text.data(), size + 1, token);
  text.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  return text;
}

Request request_of(lws* wsi) {
  Request request;
  request.path = header(wsi, WSI_TOKEN_GET_URI);
  request.method = "GET";
  if (request.path.empty()) {
    request.path = header(wsi, WSI_TOKEN_HEAD_URI);
    request.method = request.path.empty() ? "" : "HEAD";
  }
  request.host = header(wsi, WSI_TOKEN_HOST);
  request.origin = header(wsi, WSI_TOKEN_ORIGIN);
  char part[kMaxHead];  // so that every argument fits
  for (int i = 0;; ++i) {
    const int size = lws_hdr_copy_fragment(wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i);
    if (size < 0) break;
    if (i > 0) request.query += '&';
    request.query.append(part, static_cast<std::size_t>(size));
  }
  return request;
}

struct Connection {
  Connection(ConnectionId number, lws* on, std::size_t max_message)
      : id(number), wsi(on), assembler(max_message, false) {}
  ConnectionId id;
  lws* wsi;
  Assembler assembler;
  bool established = false;
  bool writable = false;  // inside on_ws_writable
  bool closing = false;
  std::uint16_t close_code = 0;
  std::string close_reason;
};

// Ends the connection on the next turn of the loop, without a close frame.
void drop_now(Connection& c) {
  c.closing = true;
  c.close_code = 0;
  lws_set_timeout(c.wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

struct Reply {
  std::string body;  // with LWS_PRE bytes of room in front
  std::size_t sent = 0;
};

}  // namespace

std::string_view query_value(std::string_view query, std::string_view key) noexcept {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=') {
      return part.substr(key.size() + 1);
    }
  }
  return {};
}

struct Server::Impl {
  Impl(Loop::Impl& on, ServerHandler& to, ServerOptions given)
      : loop(on), handler(&to), options(std::move(given)), wire(LWS_PRE) {
    validity.secs_since_valid_ping = options.ping_s;
    validity.secs_since_valid_hangup = options.hangup_s;
  }

  void listen();
  int http(lws* wsi);
  int http_writeable(lws* wsi);
  int accept(lws* wsi);
  int receive(Connection& c, const void* in, std::size_t size);
  int refuse(Connection& c);
  int writeable(Connection& c);
  void gone(lws* wsi);
  bool send(ConnectionId id, std::span<const char> text, int protocol);
  Connection* find(ConnectionId id) {
    const auto at = connections.find(id);
    return at == connections.end() ? nullptr : at->second.get();
  }

  Loop::Impl& loop;
  ServerHandler* handler;  // null once the Server is gone
  ServerOptions options;
  lws_retry_bo_t validity{};
  lws_protocols protocols[2]{};
  lws_vhost* vhost = nullptr;
  std::uint16_t port = 0;
  ConnectionId next_id = 1;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections;
  std::unordered_map<lws*, Reply> replies;
  std::vector<char> wire;  // LWS_PRE + the message being sent

  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                      std::size_t size);
};

int Server::Impl::callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                           std::size_t size) {
  lws_vhost* const vhost = wsi == nullptr ? nullptr : lws_get_vhost(wsi);
  auto* const self = vhost == nullptr ? nullptr : static_cast<Impl*>(lws_get_vhost_user(vhost));
  if (self == nullptr || self->handler == nullptr) {
    // The server is gone: whatever still arrives is refused, what closes may close.
    switch (static_cast<int>(reason)) {
      case LWS_CALLBACK_HTTP:
      case LWS_CALLBACK_HTTP_WRITEABLE:
      case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
      case LWS_CALLBACK_RECEIVE:
      case LWS_CALLBACK_SERVER_WRITEABLE: return -1;
      default: return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
  }
  auto* const connection = static_cast<Connection*>(lws_get_opaque_user_data(wsi));
  switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_HTTP: return self->http(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE: return self->http_writeable(wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return self->accept(wsi);
    case LWS_CALLBACK_ESTABLISHED:
      if (connection == nullptr) return -1;
      connection->established = true;
      lws_callback_on_writable(wsi);
      return 0;
    case LWS_CALLBACK_RECEIVE:
      return connection == nullptr ? -1 : self->receive(*connection, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return connection == nullptr ? -1 : self->writeable(*connection);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: self->gone(wsi); return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, size);
  }
}

void Server::Impl::listen() {
  check_address(options);
  protocols[0].name = "sluice-server";
  protocols[0].callback = &Impl::callback;
  protocols[0].rx_buffer_size = kRxChunk;
  lws_context_creation_info info{};
  info.port = options.port;
  info.iface = options.address.c_str();
  info.protocols = protocols;
  info.vhost_name = "server";
  info.user = this;
  info.server_string = "sluice";
  info.http_proxy_address = "";
  info.retry_and_idle_policy = &validity;
  if (options.address.find(':') == std::string::npos) {
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
  }
  vhost = lws_create_vhost(loop.context, &info);
  const int chosen = vhost == nullptr ? 0 : lws_get_vhost_listen_port(vhost);
  if (chosen <= 0) {
    throw Error(fmt::format("cannot listen on {} port {}", options.address, options.port));
  }
  port = static_cast<std::uint16_t>(chosen);
}

int Server::Impl::http(lws* wsi) {
  const Request request = request_of(wsi);
  if (request.method.empty()) {
    // The body, if there is one, is not wanted either: answer and close.
    lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "GET only");
    return -1;
  }
  Response response = handler->on_http(request);
  unsigned char buffer[LWS_PRE + 2048];
  unsigned char* const start = buffer + LWS_PRE;
  unsigned char* at = start;
  unsigned char* const end = buffer + sizeof(buffer) - 1;
  const bool headers_ok =
      lws_add_http_common_headers(wsi, response.status, response.content_type.c_str(),
                                  response.body.size(), &at, end) == 0 &&
      lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>("cache-control:"),
                                  reinterpret_cast<const unsigned char*>("no-store"), 8, &at,
                                  end) == 0 &&
      lws_finalize_write_http_header(wsi, start, &at, end) == 0;
  if (!headers_ok) return -1;
  if (request.method == "HEAD" || response.body.empty()) {
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
  }
  Reply reply;
  reply.body.reserve(LWS_PRE + response.body.size());
  reply.body.assign(LWS_PRE, '\0');
  reply.body += response.body;
  replies.insert_or_assign(wsi, std::move(reply));
  lws_callback_on_writable(wsi);
  return 0;
}

int Server::Impl::http_writeable(lws* wsi) {
  const auto at = replies.find(wsi);
  if (at == replies.end()) return 0;
  Reply& reply = at->second;
  const std::size_t left = reply.body.size() - LWS_PRE - reply.sent;
  const std::size_t size = std::min(left, kRxChunk / 2);
  // The room before a later part is bytes already sent, which the library may overwrite.
  auto* const data = reinterpret_cast<unsigned char*>(reply.body.data()) + LWS_PRE + reply.sent;
  if (lws_write(wsi, data, size, size == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
    return -1;
  reply.sent += size;
  if (size < left) {
    lws_callback_on_writable(wsi);
    return 0;
  }
  replies.erase(at);
  return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

int Server::Impl::accept(lws* wsi) {
  const ConnectionId id = next_id++;
  if (!handler->on_ws_open(id, request_of(wsi))) {
    lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, "no such endpoint");
    return -1;
  }
  auto connection = std::make_unique<Connection>(id, wsi, options.max_message);
  lws_set_opaque_user_data(wsi, connection.get());
  connections.emplace(id, std::move(connection));
  return 0;
}

// Cuts the connection. A close handshake begun here would go on reading for seconds whatever the
// peer sends, in a state of the library (4.1) that overran its buffer on the client's side.
int Server::Impl::refuse(Connection& c) {
  c.closing = true;
  c.close_code = 0;
  return -1;  // without a reason for the library: it then ends the connection at once
}

int Server::Impl::receive(Connection& c, const void* in, std::size_t size) {
  if (c.closing) return 0;
  switch (c.assembler.add(c.wsi, in, size)) {
    case Assembler::Result::Partial: return 0;
    case Assembler::Result::TooBig: return refuse(c);
    case Assembler::Result::Whole: break;
  }
  if (!c.assembler.binary() && !valid_utf8(c.assembler.message())) {
    return refuse(c);
  }
  handler->on_ws_message(c.id, c.assembler.message());
  return 0;
}

int Server::Impl::writeable(Connection& c) {
  if (c.closing) {
    if (c.close_code != 0) set_close_reason(c.wsi, c.close_code, c.close_reason);
    return -1;
  }
  c.writable = true;
  handler->on_ws_writable(c.id);
  c.writable = false;
  return 0;
}

void Server::Impl::gone(lws* wsi) {
  replies.erase(wsi);
  auto* const connection = static_cast<Connection*>(lws_get_opaque_user_data(wsi));
  if (connection == nullptr) return;
  lws_set_opaque_user_data(wsi, nullptr);
  const ConnectionId id = connection->id;
  connections.erase(id);
  handler->on_ws_closed(id);
}

bool Server::Impl::send(ConnectionId id, std::span<const char> text, int protocol) {
  Connection* const c = find(id);
  // The pipe check covers both a full socket and bytes of an earlier message the library still
  // holds.
  if (c == nullptr || !c->writable || c->closing || lws_send_pipe_choked(c->wsi) != 0) return false;
  if (wire.size() < LWS_PRE + text.size()) wire.resize(LWS_PRE + text.size());
  std::memcpy(wire.data() + LWS_PRE, text.data(), text.size());
  auto* const data = reinterpret_cast<unsigned char*>(wire.data()) + LWS_PRE;
  if (lws_write(c->wsi, data, text.size(), static_cast<lws_write_protocol>(protocol)) < 0) {
    drop_now(*c);
    return false;
  }
  return true;
}

Server::Server(Loop& loop, ServerHandler& handler, ServerOptions options)
    : impl_(std::make_shared<Impl>(loop.impl(), handler, std::move(options))) {
  loop.impl().keep.push_back(impl_);
  impl_->listen();
}

Server::~Server() {
  impl_->handler = nullptr;
  // Destroying the virtual host stops listening but leaves its connections be.
  for (const auto& [id, connection] : impl_->connections) abandon(connection->wsi);
  lws_vhost_destroy(impl_->vhost);
}

std::uint16_t Server::port() const noexcept {
  return impl_->port;
}
std::size_t Server::connections() const noexcept {
  return impl_->connections.size();
}

void Server::request_writable(ConnectionId id) {
  const Connection* const c = impl_->find(id);
  // Before the handshake is complete nothing can be sent; its completion asks for writable itself.
  if (c != nullptr && c->established) lws_callback_on_writable(c->wsi);
}

bool Server::send_text(ConnectionId id, std::span<const char> text) {
  return impl_->send(id, text, LWS_WRITE_TEXT);
}

bool Server::send_fragment(ConnectionId id, std::span<const char> text) {
  return impl_->send(id, text, static_cast<int>(LWS_WRITE_TEXT) | LWS_WRITE_NO_FIN);
}

void Server::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  Connection* const c = impl_->find(id);
  if (c == nullptr || c->closing) return;
  c->closing = true;
  c->close_code = code;
  c->close_reason = reason;
  lws_callback_on_writable(c->wsi);
  // A peer that does not read would never make the socket writable.
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, 3);
}

void Server::drop(ConnectionId id) {
  Connection* const c = impl_->find(id);
  if (c == nullptr) return;
  drop_now(*c);
}

}  // namespace sluice::net
