# What an installation has. Units name absolute paths, so the prefix is chosen at configuration:
#   cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr && DESTDIR=/tmp/stage cmake --install build/release
include(GNUInstallDirs)

install(TARGETS sluicectl sluice-supervisor sluice-recorder sluice-feed sluice-strategy sluice-risk sluice-gateway
                sluice-replay sluice-venue
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md ARCHITECTURE.md RUNBOOK.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Examples: an installation never writes into the configuration of a running one.
install(FILES conf/pipeline.toml conf/demo.toml conf/systemd/cpu.conf.example
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice)
# The recorded session with its licence and where it is from.
install(FILES tests/data/binance_spot_btcusdt_20240808.gz tests/data/LICENSE.hftbacktest tests/data/README.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice/data)

# Where systemd looks below any prefix, whatever the library directory is called.
set(SLUICE_SYSTEMD_DIR ${CMAKE_INSTALL_PREFIX}/lib)
set(units ${CMAKE_BINARY_DIR}/systemd)
foreach(process supervisor recorder gateway risk feed)
  configure_file(conf/systemd/sluice-${process}@.service.in ${units}/sluice-${process}@.service @ONLY)
endforeach()
foreach(SEAT RANGE 7)
  configure_file(conf/systemd/sluice-strategy-N@.service.in ${units}/sluice-strategy-${SEAT}@.service @ONLY)
endforeach()
configure_file(conf/systemd/sluice@.target ${units}/sluice@.target COPYONLY)
configure_file(conf/systemd/tmpfiles.conf.in ${CMAKE_BINARY_DIR}/tmpfiles.conf @ONLY)
install(DIRECTORY ${units}/ DESTINATION ${SLUICE_SYSTEMD_DIR}/systemd/system)
install(FILES conf/systemd/sysusers.conf DESTINATION ${SLUICE_SYSTEMD_DIR}/sysusers.d RENAME sluice.conf)
install(FILES ${CMAKE_BINARY_DIR}/tmpfiles.conf DESTINATION ${SLUICE_SYSTEMD_DIR}/tmpfiles.d RENAME sluice.conf)
