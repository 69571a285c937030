# Puts Vega's modules (Debian's libjs-vega; it has no bundle) into one script, and the script into ${vega_source}, which
# defines podium::vega_script(). A module is wrapped as CommonJS, because as plain scripts they overwrite each other.
set(vega_folder /usr/share/javascript/vega CACHE PATH "Where libjs-vega's modules lie")
set(vega_source ${CMAKE_CURRENT_BINARY_DIR}/report/vega.cc)

# in the order of their dependencies
set(modules "")
foreach(name util canvas time format loader statistics dataflow scale scenegraph expression event-selector selection
             runtime functions parser view transforms view-transforms encode label hierarchy regression)
  set(file ${vega_folder}/vega-${name}.min.js)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: install the Debian package libjs-vega (scripts/setup does)")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" text "${text}")
  if(name STREQUAL selection)
    set(name selections)  # the file's name is not the module's
  endif()
  string(APPEND modules "load(\"vega-${name}\", function (exports, module) {\n${text}\n});\n")
endforeach()

configure_file(${CMAKE_CURRENT_LIST_DIR}/vega.js.in ${CMAKE_CURRENT_BINARY_DIR}/report/vega.js @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/vega.js.in)
file(READ ${CMAKE_CURRENT_BINARY_DIR}/report/vega.js script)
foreach(end ")vega\"" "</script" "<!--")
  string(FIND "${script}" "${end}" place)
  if(NOT place EQUAL -1)
    message(FATAL_ERROR "Vega's script contains '${end}', which would end it early")
  endif()
endforeach()
file(CONFIGURE OUTPUT ${vega_source} @ONLY CONTENT
"#include \"sim/report/vega.h\"

namespace podium {

std::string_view vega_script() {
  static constexpr char script[] = R\"vega(@script@)vega\";
  return {script, sizeof script - 1};
}

}  // namespace podium
")
set_source_files_properties(${vega_source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
