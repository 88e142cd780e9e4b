if(TARGET sluice_replay AND EXISTS ${CMAKE_CURRENT_LIST_DIR}/replay_test.cpp)
  sluice_test(replay_test unit LIBS sluice_replay sluice_core SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/replay_test.cpp ${CMAKE_CURRENT_LIST_DIR}/export_test.cpp)
  target_compile_definitions(replay_test PRIVATE SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  sluice_test(replay_run_test unit LIBS sluice_replay sluice_tape simdjson::simdjson ZLIB::ZLIB SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/capture_run_test.cpp ${CMAKE_CURRENT_LIST_DIR}/ledger_test.cpp)
  target_compile_definitions(replay_run_test PRIVATE SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endif()
