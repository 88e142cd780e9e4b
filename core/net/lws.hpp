// Private to core/net: the only include of libwebsockets, and what its three users share.
//
// Traps this folder is built around (libwebsockets 4.1): asserts are live in the distribution's
// build; a blocking service call ignores its timeout; callbacks may arrive for connections whose
// owner is gone, so every callback starts from an opaque pointer that the owner clears; the log has
// no user pointer.
#pragma once

#include <libwebsockets.h>

#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/loop.hpp"
#include "core/net/url.hpp"

namespace sluice::net {

// How the library says that no address of the host took the connection. It does not tell why.
inline constexpr std::string_view kNobodyThere = "Unable to connect";

inline constexpr std::size_t kRxChunk =
    64 * 1024;  // one read; a message up to this size is not copied

inline constexpr std::uint16_t kMaxHead = 4096;  // bytes of one HTTP head, sent or received

int websocket_client_callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                              std::size_t size);
int http_client_callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                         std::size_t size);

struct Loop::Impl {
  explicit Impl(LoopOptions given);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  lws_vhost* client_vhost(bool tls);
  // Starts a connection of the protocol; its callbacks find `owner` as their opaque pointer. Null
  // if it failed at once, in which case a CLIENT_CONNECTION_ERROR callback may or may not have
  // happened.
  lws* connect(const Url& url, const char* protocol, const char* method, void* owner,
               const lws_retry_bo_t* validity);
  void service(int how) noexcept;

  LoopOptions options;
  lws_context* context = nullptr;
  lws_vhost* plain = nullptr;
  lws_vhost* tls = nullptr;
  std::string ca_file;
  // What a virtual host points to stays until the context is gone: closing is asynchronous.
  std::vector<std::shared_ptr<void>> keep;
};

// A timer that finds its owner again; the library's list node must be the first member.
template <class Owner>
struct Timer {
  lws_sorted_usec_list_t sul{};
  Owner* owner = nullptr;

  // At least 1 ms: shorter timers make the library spin.
  void start(Loop::Impl& loop, Duration after, void (*fire)(lws_sorted_usec_list_t*)) noexcept {
    const std::int64_t us = after.ns / 1'000;
    lws_sul_schedule(loop.context, 0, &sul, fire, us < 1'000 ? 1'000 : us);
  }
  void stop() noexcept { lws_sul_cancel(&sul); }
  static Owner& of(lws_sorted_usec_list_t* sul) noexcept {
    return *reinterpret_cast<Timer*>(sul)->owner;
  }
};

// Ends a connection nobody owns any more, on the next turn of the loop and without a close
// handshake.
inline void abandon(lws* wsi) noexcept {
  lws_set_opaque_user_data(wsi, nullptr);
  lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

// Whole messages out of fragments. The buffer grows to its bound once, when the first message in
// several pieces arrives or at setup; a message in one piece is handed over where it lies.
class Assembler {
 public:
  enum class Result { Partial, Whole, TooBig };

  Assembler(std::size_t max, bool reserve_now) : max_(max) {
    if (reserve_now) buffer_.reserve(max);
  }

  Result add(lws* wsi, const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const char*>(data);
    const bool last = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
    if (lws_is_first_fragment(wsi) != 0) {
      buffer_.clear();
      binary_ = lws_frame_is_binary(wsi) != 0;
    }
    // What the frame still announces counts too, so that an oversize message is refused at once.
    size_ = buffer_.size() + size + lws_remaining_packet_payload(wsi);
    if (size_ > max_) return Result::TooBig;
    if (last && buffer_.empty()) {
      message_ = {bytes, size};
      partial_ = false;
      return Result::Whole;
    }
    if (buffer_.capacity() < max_) buffer_.reserve(max_);
    buffer_.insert(buffer_.end(), bytes, bytes + size);
    partial_ = !last;
    message_ = buffer_;
    return last ? Result::Whole : Result::Partial;
  }

  // Valid until the next add().
  [[nodiscard]] std::span<const char> message() const noexcept { return message_; }
  [[nodiscard]] bool binary() const noexcept { return binary_; }
  [[nodiscard]] bool partial() const noexcept { return partial_; }
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }  // bytes of the message known so far
  void reset() noexcept {
    buffer_.clear();
    partial_ = false;
  }

 private:
  std::size_t max_;
  std::size_t size_ = 0;
  bool binary_ = false;
  bool partial_ = false;
  std::vector<char> buffer_;
  std::span<const char> message_;
};

inline void set_close_reason(lws* wsi, std::uint16_t code, std::string_view reason) {
  // A control frame holds 125 bytes, two of them the code. The library wants a writable pointer.
  unsigned char text[123];
  const std::size_t size = reason.size() < sizeof(text) ? reason.size() : sizeof(text);
  std::memcpy(text, reason.data(), size);
  lws_close_reason(wsi, static_cast<lws_close_status>(code), text, size);
}

}  // namespace sluice::net
