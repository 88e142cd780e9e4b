// precompiled_program.hpp for tests.
#pragma once

#include <gtest/gtest.h>

#include "cmake/precompiled_program.hpp"
