#include "core/net/loop.hpp"

#include <unistd.h>

#include "core/error.hpp"
#include "core/net/lws.hpp"

namespace sluice::net {
namespace {

thread_local Loop::Impl* at_work = nullptr;  // whose log the library's lines belong to

struct AtWork {
  explicit AtWork(Loop::Impl* loop) noexcept : before(at_work) { at_work = loop; }
  ~AtWork() { at_work = before; }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  Loop::Impl* before;
};

void emit_log(int, const char* line) {
  if (at_work == nullptr || !at_work->options.log) return;
  std::string_view text(line);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  at_work->options.log(text);
}

const lws_protocols kClientProtocols[] = {
    {"sluice-http", http_client_callback, 0, kRxChunk, 0, nullptr, 0},
    {"sluice-ws", websocket_client_callback, 0, kRxChunk, 0, nullptr, 0},
    {nullptr, nullptr, 0, 0, 0, nullptr, 0}};

std::string system_ca_file() {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem"}) {
    if (::access(path, R_OK) == 0) return path;
  }
  return {};
}

}  // namespace

Loop::Impl::Impl(LoopOptions given) : options(std::move(given)) {
  lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
  const AtWork scope(this);
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.gid = static_cast<decltype(info.gid)>(-1);
  info.uid = static_cast<decltype(info.uid)>(-1);
  info.pt_serv_buf_size = kRxChunk;
  info.max_http_header_data = kMaxHead;
  // Two more for the loop's own pipe and a spare, so that the last connection is not refused for
  // them.
  info.fd_limit_per_thread = options.connections + 2;
  context = lws_create_context(&info);
  if (context == nullptr) throw Error("the network library could not be started");
}

Loop::Impl::~Impl() {
  const AtWork scope(this);
  lws_context_destroy(context);
}

lws_vhost* Loop::Impl::client_vhost(bool want_tls) {
  lws_vhost*& host = want_tls ? tls : plain;
  if (host != nullptr) return host;
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = kClientProtocols;
  info.vhost_name = want_tls ? "client-tls" : "client";
  info.http_proxy_address = "";  // never a proxy from the environment: loopback must stay loopback
  info.timeout_secs = 10;
  info.connect_timeout_secs = 10;
  if (want_tls) {
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    ca_file = options.ca_file.empty() ? system_ca_file() : options.ca_file;
    info.client_ssl_ca_filepath = ca_file.empty() ? nullptr : ca_file.c_str();
    info.alpn = "http/1.1";  // with h2 a WebSocket would take another path through the library
  }
  host = lws_create_vhost(context, &info);
  if (host == nullptr) throw Error("the network library could not set up its clients");
  return host;
}

lws* Loop::Impl::connect(const Url& url, const char* protocol, const char* method, void* owner,
                         const lws_retry_bo_t* validity) {
  const AtWork scope(this);
  lws_client_connect_info info{};
  info.context = context;
  info.vhost = client_vhost(url.tls);
  info.address = url.host.c_str();
  info.host = url.host.c_str();
  info.origin = nullptr;
  info.port = url.port;
  info.path = url.path.c_str();
  info.method = method;
  info.local_protocol_name = protocol;
  info.opaque_user_data = owner;
  info.retry_and_idle_policy = validity;
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (url.tls ? LCCSCF_USE_SSL : 0);
  info.alpn = "http/1.1";
  return lws_client_connect_via_info(&info);
}

void Loop::Impl::service(int how) noexcept {
  const AtWork scope(this);
  lws_service(context, how);
}

Loop::Loop(LoopOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Loop::~Loop() = default;

void Loop::poll() noexcept {
  impl_->service(-1);
}

void Loop::wait(Duration max) noexcept {
  // A blocking turn ends only at a socket event or a timer, so a timer is set. The library sleeps
  // whole milliseconds and would spin through the last fraction before a timer; set one almost a
  // millisecond late, it sleeps exactly `ms` and the turn is over before the timer is due.
  const std::int64_t ms = max.ns < 1'000'000 ? 1 : max.ns / 1'000'000;
  Timer<Impl> wake;
  wake.start(*impl_, Duration{ms * 1'000'000 + 900'000}, [](lws_sorted_usec_list_t*) {});
  impl_->service(0);
  wake.stop();
}

}  // namespace sluice::net
