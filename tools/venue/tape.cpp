#include "tools/venue/tape.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "core/error.hpp"

namespace sluice::venue {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw Error(Exit::Usage, fmt::format("capture {}: is a directory", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(Exit::Usage,
                fmt::format("capture {}: no such file, or not readable", path.string()));
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

// All members of a gzip file. A stream that ends early is told apart from one with wrong bytes.
std::string inflate_gzip(std::string packed, const std::string& name) {
  if (packed.size() < 2 || packed[0] != '\x1f' || packed[1] != '\x8b') {
    throw Error(Exit::Usage, fmt::format("capture {}: not a gzip file", name));
  }
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw Error("zlib could not be started");
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::vector<char> chunk(std::size_t{1} << 18);
  int result = Z_OK;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
    if (result == Z_STREAM_END && stream.avail_in > 0) {
      result = inflateReset(&stream);
    }
    if (result != Z_OK) break;
  }
  inflateEnd(&stream);
  if (result == Z_STREAM_END) return out;
  throw Error(
      result == Z_BUF_ERROR
          ? fmt::format("capture {}: torn: the compressed data end early, after {} bytes of text",
                        name, out.size())
          : fmt::format("capture {}: damaged: the compressed data are wrong after {} bytes of text",
                        name, out.size()));
}

}  // namespace

struct Tape::Builder {
  [[noreturn]] void bad(std::string_view why) const {
    throw Error(fmt::format("capture {}: line {}: {}", name, tape.lines_.size() + 1, why));
  }

  void add(std::string_view line) {
    Line out{};
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), out.recv_ns);
    if (error != std::errc() || out.recv_ns <= 0 || stop == line.data() + line.size() ||
        *stop != ' ') {
      bad("does not begin with a receive time in ns and a blank");
    }
    if (!tape.lines_.empty() && out.recv_ns < tape.lines_.back().recv_ns)
      bad("time goes backwards");
    out.text = line.substr(static_cast<std::size_t>(stop - line.data()) + 1);
    simdjson::dom::object object;
    // The text ends in padding, so a line may be parsed where it lies.
    if (parser.parse(out.text.data(), out.text.size(), false).get(object) != simdjson::SUCCESS) {
      bad("not a JSON object");
    }
    std::string_view stream;
    if (object["stream"].get(stream) == simdjson::SUCCESS) {
      add_message(out, object, stream);
    } else if (std::uint64_t id = 0; object["lastUpdateId"].get(id) == simdjson::SUCCESS) {
      if (tape.snapshot_) bad("a second depth snapshot");
      tape.snapshot_ = tape.lines_.size();
      out.data = out.text;
    } else {
      bad("neither a stream message nor a depth snapshot");
    }
    tape.lines_.push_back(out);
  }

  void add_message(Line& out, const simdjson::dom::object& object, std::string_view stream) {
    simdjson::dom::object data;
    constexpr std::string_view kData = "\"data\":";
    const std::size_t at = out.text.find(kData);
    if (object["data"].get(data) != simdjson::SUCCESS || at == std::string_view::npos) {
      bad("a stream message without a data object");
    }
    out.data = out.text.substr(at + kData.size(), out.text.size() - at - kData.size() - 1);
    out.depth = stream.find("@depth") != std::string_view::npos;
    if (const auto known = tape.stream(stream)) {
      out.stream = *known;
    } else {
      if (tape.streams_.size() == 64) bad("more than 64 streams");
      out.stream = StreamMask{1} << tape.streams_.size();
      tape.streams_.emplace_back(stream);
    }
    if (out.depth && tape.symbol_.empty()) {
      tape.symbol_ = stream.substr(0, stream.find('@'));
      std::transform(tape.symbol_.begin(), tape.symbol_.end(), tape.symbol_.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
    }
    std::int64_t event_ms = 0;
    if (tape.clock_offset_ns_ == 0 && data["E"].get(event_ms) == simdjson::SUCCESS) {
      tape.clock_offset_ns_ = event_ms * 1'000'000 - out.recv_ns;
    }
  }

  std::string name;
  Tape tape;
  simdjson::dom::parser parser;
};

Tape Tape::load(const std::filesystem::path& path) {
  return parse(inflate_gzip(read_file(path), path.string()), path.string());
}

Tape Tape::parse(std::string text, const std::string& name) {
  Builder builder{name, Tape(), simdjson::dom::parser()};
  Tape& tape = builder.tape;
  const std::size_t size = text.size();
  text.append(simdjson::SIMDJSON_PADDING, '\0');
  tape.text_ = std::make_unique<std::string>(std::move(text));
  std::string_view rest = std::string_view(*tape.text_).substr(0, size);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    builder.add(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (tape.streams_.empty()) throw Error(fmt::format("capture {}: holds no messages", name));
  return std::move(tape);
}

Part part_of(const Tape& tape, std::size_t from, std::size_t to, std::int64_t seconds) {
  const std::span<const Line> lines = tape.lines();
  if (from < 1 || from > lines.size()) {
    throw Error(Exit::Usage,
                fmt::format("--from {}: the tape has lines 1 to {}", from, lines.size()));
  }
  if (to > lines.size() || (to != 0 && to < from)) {
    throw Error(Exit::Usage,
                fmt::format("--to {}: wanted a line from {} to {}", to, from, lines.size()));
  }
  const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(from - 1);
  auto end = to == 0 ? lines.end() : lines.begin() + static_cast<std::ptrdiff_t>(to);
  if (seconds > 0) {
    const std::int64_t over = begin->recv_ns + seconds * 1'000'000'000;
    end =
        std::partition_point(begin, end, [over](const Line& line) { return line.recv_ns < over; });
  }
  return {from - 1, static_cast<std::size_t>(end - lines.begin())};
}

std::optional<StreamMask> Tape::stream(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i] == name) return StreamMask{1} << i;
  }
  return std::nullopt;
}

}  // namespace sluice::venue
