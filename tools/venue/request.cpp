#include "tools/venue/request.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace sluice::venue {
namespace {

ClientRequest refused(std::string_view why, const std::string& id) {
  ClientRequest out;
  out.id = id;
  out.answer = fmt::format(R"({{"error":{{"code":2,"msg":{}}},"id":{}}})", json_string(why), id);
  return out;
}

// The id is given back as it came: a whole number, a string or null.
bool read_id(const simdjson::dom::object& object, std::string& id) {
  const auto field = object["id"];
  simdjson::dom::element value;
  if (field.get(value) != simdjson::SUCCESS) return true;
  std::int64_t number = 0;
  std::string_view text;
  if (value.get(number) == simdjson::SUCCESS) {
    id = std::to_string(number);
  } else if (value.get(text) == simdjson::SUCCESS && text.size() <= 36) {
    id = json_string(text);
  } else if (!value.is_null()) {
    return false;
  }
  return true;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

ClientRequest parse_request(std::span<const char> text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
    return refused("Invalid JSON", "null");
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    return refused("Invalid request: not an object", "null");
  ClientRequest out;
  if (!read_id(object, out.id)) {
    return refused("Invalid request: id must be an integer, a string or null", "null");
  }
  std::string_view method;
  if (object["method"].get(method) != simdjson::SUCCESS) {
    return refused("Invalid request: method is missing", out.id);
  }
  if (method == "LIST_SUBSCRIPTIONS") {
    out.method = Method::List;
    return out;
  }
  if (method != "SUBSCRIBE" && method != "UNSUBSCRIBE") {
    return refused("Invalid request: unknown method", out.id);
  }
  simdjson::dom::array params;
  if (object["params"].get(params) != simdjson::SUCCESS || params.size() == 0) {
    return refused("Invalid request: params must be an array of stream names", out.id);
  }
  for (const simdjson::dom::element param : params) {
    std::string_view name;
    if (param.get(name) != simdjson::SUCCESS) {
      return refused("Invalid request: params must be an array of stream names", out.id);
    }
    out.streams.emplace_back(name);
  }
  out.method = method == "SUBSCRIBE" ? Method::Subscribe : Method::Unsubscribe;
  out.answer = fmt::format(R"({{"result":null,"id":{}}})", out.id);
  return out;
}

}  // namespace sluice::venue
