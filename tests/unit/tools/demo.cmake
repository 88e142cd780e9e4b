if(TARGET sluice_demo)
  sluice_test(demo_test unit LIBS sluice_demo sluice_core SOURCES demo_test.cpp)
endif()
