// ws:// wss:// http:// https:// addresses, taken apart once at setup. No user, no fragment: a
// credential never travels in a URL here.
#pragma once

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

// Throws Error (Exit::Usage) naming the URL and what is wrong with it.
Url parse_url(std::string_view text);

}  // namespace sluice::net
