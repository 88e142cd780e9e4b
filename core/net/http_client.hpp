// One HTTP GET at a time, asynchronous, with a deadline and a bound on the body.
//
// get() starts it; exactly one callback follows, from inside the loop. Redirects are not followed:
// the status is reported as it is.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/net/loop.hpp"

namespace sluice::net {

struct HttpResult {
  unsigned status = 0;  // 0: no complete answer; `error` says why
  std::string body;
  std::string error;
};

class HttpClient {
 public:
  explicit HttpClient(Loop& loop, std::size_t max_body = std::size_t{8} << 20);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  using Callback = std::function<void(HttpResult)>;
  // False if a request is under way. Throws Error (Exit::Usage) for a URL that is not http:// or
  // https://. `within` is the time allowed for the whole exchange. The callback may call get()
  // again.
  bool get(std::string_view url, Duration within, Callback done);
  void cancel() noexcept;  // no callback follows
  [[nodiscard]] bool is_busy() const noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::net
