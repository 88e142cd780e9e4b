// ws:// wss:// http:// https:// addresses, taken apart once at setup. No user, no fragment: a
// credential never travels in a URL here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::net {

struct Url {
  bool tls = false;        // wss, https
  bool websocket = false;  // ws, wss
  std::string host;        // name or address; IPv6 without its brackets
  std::uint16_t port = 0;
  std::string path;  // path and query, begins with '/'
};

// Longest path with its query: the library (4.1) cuts a longer request line off without a word.
inline constexpr std::size_t kMaxPath = 2032;

// Throws Error (Exit::Usage) naming the URL and what is wrong with it.
Url parse_url(std::string_view text);

}  // namespace sluice::net
