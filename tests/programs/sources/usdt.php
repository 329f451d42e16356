<?php
// Calls functions and methods, and prints the names of those that it called.
$calls = [];

function counted($n) {
  global $calls;
  $calls[] = __FUNCTION__;
  return $n + 1;
}

class Shape {
  function area($side) {
    global $calls;
    $calls[] = __CLASS__ . "::" . __FUNCTION__;
    return counted($side);
  }
  static function make() {
    global $calls;
    $calls[] = __CLASS__ . "::" . __FUNCTION__;
    return new Shape();
  }
}

for ($i = 0; $i < 10; $i++) counted($i);
for ($i = 0; $i < 5; $i++) Shape::make()->area($i);
for ($i = 0; $i < 3; $i++) {
  try {
    throw new Exception("number $i");
  } catch (Exception $e) {
  }
}
counted(0);
echo json_encode($calls), "\n";
