# Installs the built library to a fresh prefix, then configures, builds and runs against it a program that uses every
# layer, and the programs of docs/library.md.
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

function(build project folder)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${project} -B ${WORK}/${folder} -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/${folder} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Writes the block of a page that begins with a line that names its file.
function(write_block page language mark file)
  file(READ ${page} text)
  set(opening "```${language}\n${mark}")
  string(FIND "${text}" "${opening}" begin)
  if(begin EQUAL -1)
    message(FATAL_ERROR "${page} has no block that begins with ${mark}")
  endif()
  string(LENGTH "```${language}\n" length)
  math(EXPR begin "${begin} + ${length}")
  string(SUBSTRING "${text}" ${begin} -1 text)
  string(FIND "${text}" "\n```" end)
  string(SUBSTRING "${text}" 0 ${end} text)
  file(WRITE ${file} "${text}\n")
endfunction()

build(${CMAKE_CURRENT_LIST_DIR}/consumer consumer)
execute_process(COMMAND ${WORK}/consumer/consumer WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/prefix/bin/spnode --version COMMAND_ERROR_IS_FATAL ANY)

set(page ${SOURCE}/docs/library.md)
write_block(${page} cmake "# CMakeLists.txt" ${WORK}/mine/CMakeLists.txt)
write_block(${page} cpp "// train.cpp" ${WORK}/mine/train.cpp)
write_block(${page} cpp "// forecast.cpp" ${WORK}/mine/forecast.cpp)
build(${WORK}/mine build)

# The trained model forecasts well, and alike on any number of ranks.
foreach(ranks 1 2)
  execute_process(COMMAND ${MPIEXEC} --oversubscribe --bind-to none -n ${ranks} ${WORK}/build/train
    WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE said_${ranks} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(NOT said_1 STREQUAL said_2)
  message(FATAL_ERROR "one rank and two differ: ${said_1}${said_2}")
endif()
string(REGEX MATCH "largest error of 10 forecasts: ([0-9.e+-]+)" found "${said_1}")
if(NOT found OR NOT CMAKE_MATCH_1 LESS 1e-3)
  message(FATAL_ERROR "the forecasts of train.cpp: ${said_1}")
endif()
# At t = 5: 0.2 e^5 / (1 + 0.2 (e^5 - 1)), and the rest of 1.5.
execute_process(COMMAND ${WORK}/build/forecast WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT said MATCHES "^0.9738\n1.4999\nf = [-0-9.]+, J v = [-0-9.]+\nf = [-0-9.]+, J v = [-0-9.]+\n$")
  message(FATAL_ERROR "the forecast of forecast.cpp: ${said}")
endif()

file(GLOB_RECURSE targets ${WORK}/prefix/*spnodeTargets.cmake)
file(STRINGS ${targets} paths REGEX "${SOURCE}|${BUILD}")
if(paths)
  message(FATAL_ERROR "the installed package names folders of the build: ${paths}")
endif()
