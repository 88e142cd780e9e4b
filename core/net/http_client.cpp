#include "core/net/http_client.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/net/lws.hpp"

namespace sluice::net {

struct HttpClient::Impl {
  Impl(Loop::Impl& on, std::size_t limit) : loop(on), max_body(limit), buffer(LWS_PRE + kRxChunk) {
    deadline.owner = this;
    failed.owner = this;
  }

  void drop() noexcept {
    if (wsi != nullptr) abandon(wsi);
    wsi = nullptr;
    deadline.stop();
    failed.stop();
    busy = false;
  }

  void finish(std::string error) {
    drop();
    HttpResult out;
    if (error.empty()) {
      out.status = status;
      out.body = std::move(body);
    } else {
      out.error = fmt::format("GET {}: {}", url_text, error);
    }
    body.clear();
    const Callback call = std::move(done);
    call(std::move(out));
  }

  int receive() {
    char* at = buffer.data() + LWS_PRE;
    int room = static_cast<int>(buffer.size() - LWS_PRE);
    return lws_http_client_read(wsi, &at, &room) < 0 ? -1 : 0;
  }

  int append(const void* in, std::size_t size) {
    if (body.size() + size > max_body) {
      finish(fmt::format("the body exceeds {} bytes", max_body));
      return -1;
    }
    body.append(static_cast<const char*>(in), size);
    return 0;
  }

  Loop::Impl& loop;
  std::size_t max_body;
  std::vector<char> buffer;
  std::string url_text;
  Url url;
  lws* wsi = nullptr;
  bool busy = false;
  unsigned status = 0;
  std::string body;
  std::string early_text;
  Callback done;
  Timer<Impl> deadline;
  Timer<Impl> failed;  // a failure inside get() is reported from the loop
};

int http_client_callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                         std::size_t size) {
  auto* const self =
      wsi == nullptr ? nullptr : static_cast<HttpClient::Impl*>(lws_get_opaque_user_data(wsi));
  if (self == nullptr) return lws_callback_http_dummy(wsi, reason, user, in, size);
  switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
      std::string text(static_cast<const char*>(in), in == nullptr ? 0 : size);
      if (text == kNobodyThere) text = "connection refused: nobody listens there, or no route";
      if (text.empty()) text = "the connection failed";
      if (self->wsi == nullptr) {  // still inside get()
        self->early_text = std::move(text);
        lws_set_opaque_user_data(wsi, nullptr);
        return 0;
      }
      self->finish(text);
      return 0;
    }
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
      self->status = lws_http_client_http_response(wsi);
      return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: return self->receive();
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: return self->append(in, size);
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP: self->finish({}); return -1;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
      self->finish("the connection ended before the answer was complete");
      return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, size);
  }
}

HttpClient::HttpClient(Loop& loop, std::size_t max_body)
    : impl_(std::make_unique<Impl>(loop.impl(), max_body)) {}

HttpClient::~HttpClient() {
  impl_->drop();
}

bool HttpClient::get(std::string_view url, Duration within, Callback done) {
  Impl& self = *impl_;
  if (self.busy) return false;
  self.url = parse_url(url);
  if (self.url.websocket) {
    throw Error(Exit::Usage, fmt::format("bad URL \"{}\": http:// or https:// is wanted", url));
  }
  self.url_text = url;
  self.busy = true;
  self.status = 0;
  self.body.clear();
  self.early_text.clear();
  self.done = std::move(done);
  self.deadline.start(self.loop, within, [](lws_sorted_usec_list_t* sul) {
    Timer<Impl>::of(sul).finish("no complete answer within the deadline");
  });
  self.wsi = self.loop.connect(self.url, "sluice-http", "GET", &self, nullptr);
  if (self.wsi == nullptr) {
    self.failed.start(self.loop, Duration::millis(1), [](lws_sorted_usec_list_t* sul) {
      Impl& owner = Timer<Impl>::of(sul);
      owner.finish(owner.early_text.empty() ? "the connection could not be started"
                                            : owner.early_text);
    });
  }
  return true;
}

void HttpClient::cancel() noexcept {
  impl_->drop();
}
bool HttpClient::is_busy() const noexcept {
  return impl_->busy;
}

}  // namespace sluice::net
