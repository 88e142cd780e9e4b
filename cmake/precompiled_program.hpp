// What almost every file includes and what costs most to read, compiled once per kind of target.
// No file may rely on it: each still names what it uses, and presets without it (dev, tsan) build
// the same sources.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/driver.hpp"
#include "core/instance.hpp"
