#include "bench/pipeline/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/demo_run/text.hpp"

namespace sluice::bench {
namespace {

constexpr double kStep = 0.05;  // between the points of a curve, in decades of rarity

double decades(std::int64_t ns) noexcept {
  return std::log10(static_cast<double>(std::max<std::int64_t>(ns, 1)));
}

// Whole decades that hold every value.
struct Axis {
  int low = 1;
  int high = 2;

  void take(std::int64_t ns) noexcept {
    const double at = decades(ns);
    if (!any_) low = static_cast<int>(at), high = low + 1;
    any_ = true;
    low = std::min(low, static_cast<int>(std::floor(at)));
    high = std::max(high, static_cast<int>(std::ceil(at)));
  }
  [[nodiscard]] double place(std::int64_t ns) const noexcept {  // 0 to 1
    return (decades(ns) - low) / (high - low);
  }

 private:
  bool any_ = false;
};

std::int64_t power(int decade) noexcept {
  std::int64_t value = 1;
  for (; decade > 0; --decade) value *= 10;
  return value;
}

std::string decade_name(int decade) {
  constexpr const char* kUnits[]{"ns", "us", "ms", "s"};
  const int unit = std::min(decade / 3, 3);
  return fmt::format("{} {}", power(decade - 3 * unit), kUnits[unit]);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

// ---- SVG

constexpr int kWidth = 860, kHeight = 520, kLeft = 76, kRight = 190, kBottom = 64, kLine = 18;
constexpr std::size_t kCaption = 120;  // characters of a line
constexpr std::array kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                              "#b8860b", "#56b4e9", "#8a63d2"};

struct Frame {
  int top;
  Axis ns;
  double rarest;  // decades of rarity at the right edge

  [[nodiscard]] double x(double part) const noexcept {
    return kLeft + std::min(1.0, -std::log10(1 - part) / rarest) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(std::int64_t value) const noexcept {
    return kHeight - kBottom - ns.place(value) * (kHeight - kBottom - top);
  }
};

std::string text_at(double x, double y, const char* anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

std::string grid(const Frame& frame) {
  std::string out;
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  for (int decade = frame.ns.low; decade <= frame.ns.high; ++decade) {
    const double y = frame.y(power(decade));
    out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>\n", kLeft, y, right);
    out += text_at(kLeft - 8, y + 4, "end", decade_name(decade));
  }
  constexpr std::array<const char*, 8> kParts{"0",     "90",     "99",      "99.9",
                                              "99.99", "99.999", "99.9999", "99.99999"};
  for (std::size_t i = 0; i < kParts.size() && static_cast<double>(i) <= frame.rarest; ++i) {
    const double x = frame.x(1 - std::pow(10.0, -static_cast<double>(i)));
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>\n", x, frame.top, bottom);
    out += text_at(x, bottom + 20, "middle", kParts[i]);
  }
  const double half = frame.x(0.5);
  out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>\n", half, frame.top, bottom);
  out += text_at(half, bottom + 20, "middle", "50");
  out += text_at((kLeft + right) / 2, bottom + 44, "middle", "percentile");
  out += fmt::format(
      "<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">"
      "latency</text>\n",
      (frame.top + kHeight - kBottom) / 2);
  return out;
}

std::string line_of(const Curve& curve, const char* colour, const Frame& frame, int row) {
  const double at = frame.top + 14 + row * 20;
  std::string out =
      fmt::format("<path d=\"M{} {}h18\" stroke=\"{}\"/>\n", kWidth - kRight + 14, at - 4, colour);
  out += text_at(kWidth - kRight + 38, at, "start", curve.name);
  if (curve.points.empty()) return out;
  out += fmt::format("<path stroke=\"{}\" d=\"", colour);
  for (const Curve::Point& point : curve.points)
    out += fmt::format("{}{:.1f} {:.1f}", &point == &curve.points.front() ? "M" : "L",
                       frame.x(point.part), frame.y(point.ns));
  return out + "\"/>\n";
}

constexpr const char* kStyle =
    "<style>\n"
    "svg{background:#fff;color:#222}text{font:12px system-ui,sans-serif;fill:currentColor}\n"
    ".title{font-size:15px;font-weight:600}path{fill:none;stroke-width:2}\n"
    ".grid{stroke:currentColor;stroke-opacity:.18;stroke-width:1}\n"
    "@media(prefers-color-scheme:dark){svg{background:#16181d;color:#e4e6eb}}\n"
    "</style>\n";

// ---- bars

constexpr std::size_t kNameColumns = 17, kBarColumns = 52;

}  // namespace

Curve curve_of(std::string name, const std::vector<std::int64_t>& sorted) {
  Curve curve{std::move(name), {}};
  if (sorted.empty()) return curve;
  const double rarest = std::log10(static_cast<double>(sorted.size()));
  for (double rarity = 0; rarity < rarest; rarity += kStep) {
    const double part = 1 - std::pow(10.0, -rarity);
    curve.points.push_back({part, exact_quantile(sorted, part)});
  }
  const double last = 1 - 1 / static_cast<double>(sorted.size() + 1);
  curve.points.push_back({last, sorted.back()});
  return curve;
}

std::vector<Curve> curves_of(const Spans& spans) {
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < kHops; ++i)
    curves.push_back(curve_of(std::string(kHopNames[i]), spans.ns[i]));
  return curves;
}

std::string svg_of(const std::string& title, const std::vector<std::string>& caption,
                   const std::vector<Curve>& curves) {
  Frame frame{44 + static_cast<int>(caption.size()) * kLine, {}, 3};
  for (const Curve& curve : curves)
    for (const Curve::Point& point : curve.points) {
      frame.ns.take(point.ns);
      frame.rarest = std::max(frame.rarest, -std::log10(1 - point.part));
    }
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}</title>\n{3}<text class=\"title\" x=\"{4}\" "
      "y=\"26\">{2}</text>\n",
      kWidth, kHeight, escaped(title), kStyle, kLeft);
  for (std::size_t i = 0; i < caption.size(); ++i)
    out += text_at(kLeft, 26 + static_cast<double>(i + 1) * kLine, "start",
                   demo::fit(caption[i], kCaption));
  out += grid(frame);
  int row = 0;
  for (const Curve& curve : curves) {
    out += line_of(curve, kColours[static_cast<std::size_t>(row) % kColours.size()], frame, row);
    ++row;
  }
  return out + "</svg>\n";
}

std::string bars_of(const std::vector<HopFigures>& hops, bool terminal) {
  constexpr std::array<const char*, 5> kBlocks{"█", "▓", "▒", "░", "╴"};
  constexpr std::array<const char*, 5> kPlain{"#", "=", "-", ".", " "};
  const auto& marks = terminal ? kBlocks : kPlain;
  Axis axis;
  for (const HopFigures& hop : hops)
    if (hop.count != 0) axis.take(hop.at.front()), axis.take(hop.max);
  const auto column = [&](std::int64_t ns) {
    const double at = axis.place(ns) * static_cast<double>(kBarColumns);
    return static_cast<std::size_t>(std::clamp(at, 1.0, static_cast<double>(kBarColumns)));
  };
  std::string out;
  for (const HopFigures& hop : hops) {
    out += fmt::format("{:<{}}", kHopNames[static_cast<std::size_t>(hop.hop)], kNameColumns);
    if (hop.count == 0) {
      out += "-\n";
      continue;
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < hop.at.size(); ++i)
      for (; at < column(hop.at[i]); ++at) out += marks[i];
    for (; at + 1 < column(hop.max); ++at) out += marks[4];
    out += fmt::format("{} {}\n", terminal ? "┤" : "|", nanoseconds(hop.max));
  }
  std::string scale(kNameColumns + kBarColumns + 8, ' ');
  for (int decade = axis.low; decade <= axis.high; ++decade) {
    const std::string name = decade_name(decade);
    const auto at = kNameColumns + static_cast<std::size_t>(axis.place(power(decade)) *
                                                            static_cast<double>(kBarColumns));
    scale.replace(at, name.size(), name);
  }
  scale.resize(scale.find_last_not_of(' ') + 1);
  return out + scale +
         fmt::format("\n{:{}}{} to p50  {} p90  {} p99  {} p99.9  {} max\n", "", kNameColumns,
                     marks[0], marks[1], marks[2], marks[3], terminal ? "┤" : "|");
}

std::string nanoseconds(std::int64_t ns) {
  return demo::span(ns);
}

}  // namespace sluice::bench
