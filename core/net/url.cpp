#include "core/net/url.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/error.hpp"

namespace sluice::net {
namespace {

[[noreturn]] void refuse(std::string_view url, std::string_view why) {
  throw Error(Exit::Usage, fmt::format("bad URL \"{}\": {}", url, why));
}

bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void parse_scheme(std::string_view url, std::string_view& rest, Url& out) {
  if (consume(rest, "ws://")) {
    out.websocket = true;
  } else if (consume(rest, "wss://")) {
    out.websocket = out.tls = true;
  } else if (consume(rest, "https://")) {
    out.tls = true;
  } else if (!consume(rest, "http://")) {
    refuse(url, "it must begin with ws://, wss://, http:// or https://");
  }
  out.port = out.tls ? 443 : 80;
}

}  // namespace

Url parse_url(std::string_view url) {
  Url out;
  std::string_view rest = url;
  parse_scheme(url, rest, out);
  for (const char c : rest) {
    if (c <= ' ' || c == 0x7f) refuse(url, "it holds a blank or a control character");
  }
  const std::size_t end = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, end);
  const std::string_view path =
      end == std::string_view::npos ? std::string_view() : rest.substr(end);
  if (path.find('#') != std::string_view::npos) refuse(url, "a fragment has no meaning here");
  if (authority.find('@') != std::string_view::npos)
    refuse(url, "credentials do not belong in a URL");
  out.path = path.empty() || path.front() != '/' ? "/" + std::string(path) : std::string(path);
  if (out.path.size() > kMaxPath)
    refuse(url.substr(0, url.size() - path.size()),
           fmt::format("a path of {} bytes; {} are the most", out.path.size(), kMaxPath));

  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) refuse(url, "the bracket of the address is not closed");
    out.host = authority.substr(1, bracket - 1);
    port = authority.substr(bracket + 1);
  } else {
    const std::size_t colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (out.host.empty()) refuse(url, "the host is missing");
  if (port.empty()) return out;
  const char* const last = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, last, out.port);
  if (port.front() != ':' || error != std::errc() || stop != last || out.port == 0) {
    refuse(url, "the port must be a number from 1 to 65535");
  }
  return out;
}

}  // namespace sluice::net
