/// Whatever can say how the device is: the operating system, a recorded trace, or an app that asks its platform.
///
/// A source says what it knows and nothing else: a value it cannot get is nil, never a guess. On Android an app may not
/// read sysfs and answers from `BatteryManager`, `PowerManager` and `ActivityManager` (Documentation/DEVICE.md).
public protocol DeviceSensors: AnyObject {
    /// The device now. Called from the training thread between steps, so it must not wait.
    func read() -> DeviceReading
}
