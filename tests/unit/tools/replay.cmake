if(TARGET sluice_replay AND EXISTS ${CMAKE_CURRENT_LIST_DIR}/replay_test.cpp)
  sluice_test(replay_test unit LIBS sluice_replay sluice_core SOURCES ${CMAKE_CURRENT_LIST_DIR}/replay_test.cpp)
endif()
