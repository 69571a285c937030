# Puts the texts that an HTML report is made of into ${page_source}, which defines the functions of sim/report/resources.h.
set(page_source ${CMAKE_CURRENT_BINARY_DIR}/report/resources.cc)
set(functions "")
foreach(resource page.html.in style.css pieces.js charts.js)
  string(REGEX REPLACE "[.].*" "" name ${resource})
  set(file ${CMAKE_CURRENT_LIST_DIR}/${resource})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(FIND "${text}" ")resource\"" place)
  if(NOT place EQUAL -1)
    message(FATAL_ERROR "${file} contains the mark that ends it in the source")
  endif()
  string(APPEND functions "
std::string_view ${name}_text() {
  static constexpr char text[] = R\"resource(${text})resource\";
  return {text, sizeof text - 1};
}
")
endforeach()
file(CONFIGURE OUTPUT ${page_source} @ONLY CONTENT "#include \"sim/report/resources.h\"

namespace podium {
@functions@
}  // namespace podium
")
set_source_files_properties(${page_source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
