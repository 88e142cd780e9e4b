#include "tests/model/relacy/site.hpp"

#include <cstdlib>

namespace sluice::model {
namespace {

std::string_view name_of(Access access) noexcept {
  switch (access) {
    case Access::Load: return "load";
    case Access::Store: return "store";
    case Access::Add: return "fetch_add";
    case Access::Exchange: return "compare_exchange";
  }
  return "?";
}

std::string_view name_of(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

// "void sluice::BasicProducer<Orders>::push(const Payload&) [with ...]" is BasicProducer::push.
std::string plain_name(std::string_view function) {
  function = function.substr(0, function.find('('));
  int depth = 0;
  std::string plain;
  for (const char c : function) {
    depth += c == '<' ? 1 : 0;
    if (depth == 0) plain += c;
    depth -= c == '>' ? 1 : 0;
    if (c == ' ' && depth == 0) plain.clear();
  }
  constexpr std::string_view kNamespace = "sluice::";
  return plain.starts_with(kNamespace) ? plain.substr(kNamespace.size()) : plain;
}

}  // namespace

std::string Site::name() const {
  std::string name = plain_name(at.function_name());
  name.append(": ").append(object).append(".").append(name_of(access));
  return name.append("(").append(name_of(order)).append(")");
}

std::string Mutant::name() const {
  return site.name() + (change == Change::Omitted ? " left out" : " -> relaxed");
}

void Sites::note(const Site& site) noexcept {
  for (const Site& known : all())
    if (known.at.line() == site.at.line() && known.object == site.object &&
        known.access == site.access && known.order == site.order &&
        std::string_view(known.at.file_name()) == site.at.file_name())
      return;
  if (count == kMost) std::abort();  // a larger table is needed
  at[count++] = site;
}

}  // namespace sluice::model
