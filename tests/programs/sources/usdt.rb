# Calls methods and prints which, as TracePoint saw them.
class Shape
  def area(side)
    side * side
  end

  def self.make
    new
  end
end

def counted(n)
  n + 1
end

calls = []
raised = 0
points = [
  TracePoint.new(:call) do |it|
    owner = it.self.instance_of?(Class) ? it.self : it.defined_class
    # The probe tells the line of the first expression, one below that of the method.
    calls << "#{owner}##{it.method_id} #{it.lineno + 1}" unless owner == TracePoint
  end,
  # Ruby comes to the probes of returns only where somebody traces them.
  TracePoint.new(:return) {},
  TracePoint.new(:raise) { raised += 1 }
]
points.each(&:enable)
12.times { |n| counted(n) }
6.times { |n| Shape.make.area(n) }
3.times do |n|
  raise "number #{n}"
rescue RuntimeError
  # as expected
end
points.each(&:disable)
puts '["' + calls.join('","') + '"]', raised
