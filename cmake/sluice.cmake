# Options every target of ours is compiled with, and the one helper for tests.
add_library(sluice_options INTERFACE)
target_compile_options(sluice_options INTERFACE
  -march=x86-64-v2 -fno-omit-frame-pointer
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wswitch-enum
  -Wnon-virtual-dtor -Wundef
  # false positives of GCC 12 at -O3: PR105329 and its relatives
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow>)
target_include_directories(sluice_options INTERFACE ${CMAKE_SOURCE_DIR})

option(SLUICE_WERROR "Treat warnings as errors" OFF)
if(SLUICE_WERROR)
  target_compile_options(sluice_options INTERFACE -Werror)
endif()

set(SLUICE_SANITIZE "" CACHE STRING "address+undefined, thread, or empty")
if(SLUICE_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(SLUICE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()

# Headers read once per kind of target instead of once per file. A kind is a set of compile options, because a
# precompiled header fits one set only. Its price: 100 MB and more that each compilation maps and ccache hashes.
option(SLUICE_PRECOMPILED "Precompile the headers that almost every file includes" OFF)
function(sluice_precompiled kind header)
  if(SLUICE_PRECOMPILED)
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled/${kind}.cpp "")
    add_library(precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled/${kind}.cpp)
    target_link_libraries(precompiled_${kind} PRIVATE sluice_options ${ARGN})
    # Named as from the root: an absolute path would keep ccache from serving one clone what another has built.
    target_precompile_headers(precompiled_${kind} PRIVATE <cmake/${header}>)
  endif()
endfunction()
# Targets of this directory and below it use the headers of this kind, unless they name another one.
set(SLUICE_KIND program)
function(sluice_reuse name kind)
  if(SLUICE_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM precompiled_${kind})
  endif()
endfunction()

# Several sources compiled as one: what their headers instantiate is then compiled once. What a released stage runs
# is compiled file by file all the same.
option(SLUICE_UNITY "Compile sources of tests, tools and (not in Release) stages in groups" OFF)
function(sluice_unity name)
  if(SLUICE_UNITY AND (NOT CMAKE_BUILD_TYPE STREQUAL Release
                       OR CMAKE_CURRENT_SOURCE_DIR MATCHES "^${CMAKE_SOURCE_DIR}/(tests|tools)"))
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
    # In a group the compiler takes the source of a class for a header of it.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# Sources whose own names would meet those of their neighbours.
function(sluice_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# sluice_library(NAME sources...): a static library with our options.
function(sluice_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC sluice_options)
  sluice_reuse(${name} ${SLUICE_KIND})
  sluice_unity(${name})
endfunction()

# sluice_executable(NAME sources...)
function(sluice_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE sluice_options)
  sluice_reuse(${name} ${SLUICE_KIND})
  sluice_unity(${name})
endfunction()

# A source of setup code that is costly to optimise, inside a target that is optimised. The precompiled header of
# its target does not fit it.
function(sluice_cold_source source)
  set_source_files_properties(${source} PROPERTIES
    COMPILE_OPTIONS $<$<CONFIG:Release>:-O1> SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# sluice_test(NAME label [SERIAL] LIBS a b SOURCES x.cpp ...): one gtest executable, its cases found at test time.
function(sluice_test name label)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "LIBS;SOURCES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${arg_LIBS} GTest::gtest_main)
  # The libraries under test are built as released; the tests themselves need not be.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  sluice_reuse(${name} test)
  sluice_unity(${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT TARGET sanitized_tests)
    add_custom_target(sanitized_tests)  # what runs under address and undefined behaviour sanitizers
    add_custom_target(sanitized_tools)  # the same of the tools: with `tools/test --full`
    add_custom_target(thread_tests)     # and under the thread sanitizer
  endif()
  if(label STREQUAL "thread")
    add_dependencies(thread_tests ${name})
  elseif(CMAKE_CURRENT_SOURCE_DIR MATCHES "tests/(unit/tools|campaign)")
    add_dependencies(sanitized_tools ${name})
  elseif(NOT label MATCHES "e2e|native")
    add_dependencies(sanitized_tests ${name})
  endif()
  include(GoogleTest)  # here, because its variables reach no folder beside the one that includes it
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT} RUN_SERIAL $<BOOL:${arg_SERIAL}>)
endfunction()
