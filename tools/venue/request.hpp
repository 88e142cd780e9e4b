// What a client may say on its WebSocket: {"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::venue {

enum class Method : std::uint8_t { None = 0, Subscribe = 1, Unsubscribe = 2, List = 3 };

struct ClientRequest {
  Method method = Method::None;  // None: `answer` is the error to send
  std::vector<std::string> streams;
  std::string id = "null";  // as JSON
  std::string answer;       // {"result":null,"id":1}, or an error object; empty for List
};

ClientRequest parse_request(std::span<const char> text);

// A string as a JSON literal.
std::string json_string(std::string_view text);

}  // namespace sluice::venue
