using Musubi.Linux.Pci;

namespace Musubi.Linux.Tests.Pci;

/// <summary>Hardware as a copy of sysfs shows it.</summary>
public sealed class PciTests : IDisposable
{
    private readonly TemporaryDirectory _sysfs = new();

    public void Dispose() => _sysfs.Dispose();

    private void Make(params string[] directories)
    {
        foreach (string directory in directories)
        {
            Directory.CreateDirectory(_sysfs.File(directory));
        }
    }

    [Theory]
    [InlineData("0000:00:1f.6", "0000:00:1f.6")]
    [InlineData("00:1f.6", "0000:00:1f.6")]
    [InlineData("0001:AF:00.7", "0001:af:00.7")]
    [InlineData("10000:01:00.0", "10000:01:00.0")]
    public void TryParse_Address_IsThatOfTheKernel(string text, string canonical)
    {
        Assert.True(PciAddress.TryParse(text, out PciAddress address));
        Assert.Equal(canonical, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("eth0")]
    [InlineData("0000:00:20.0")]
    [InlineData("0000:00:00.8")]
    [InlineData("0000:100:00.0")]
    [InlineData("../../etc")]
    [InlineData("0000:00:1f.6/net")]
    [InlineData("000:00:1f.6")]
    [InlineData("0000:0:1f.6")]
    [InlineData("+000:00:1f.6")]
    [InlineData("0000:00:1f.")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(PciAddress.TryParse(text, out _));

    [Fact]
    public void OfPci_FunctionWithInterfaces_AreListedInOrder()
    {
        Make("bus/pci/devices/0000:00:03.0/net/eth7", "bus/pci/devices/0000:00:03.0/net/eth3");
        Assert.True(PciAddress.TryParse("0000:00:03.0", out PciAddress address));

        Assert.True(address.Exists(_sysfs.Path));
        Assert.Equal(["eth3", "eth7"], DeviceInterfaces.OfPci(address, _sysfs.Path));
    }

    [Fact]
    public void OfPci_VirtioFunction_HasItsInterfacesOneDeeper()
    {
        Make("bus/pci/devices/0000:00:04.0/virtio2/net/ens4");
        Assert.True(PciAddress.TryParse("0000:00:04.0", out PciAddress address));

        Assert.Equal(["ens4"], DeviceInterfaces.OfPci(address, _sysfs.Path));
    }

    [Fact]
    public void OfPci_NoSuchFunction_SaysSo()
    {
        PciAddress address = new(0, 9, 9, 0);

        Assert.False(address.Exists(_sysfs.Path));
        Assert.Throws<DirectoryNotFoundException>(() => DeviceInterfaces.OfPci(address, _sysfs.Path));
    }

    [Fact]
    public void FindDriver_BoundOrNot_IsItsName()
    {
        Make("bus/pci/devices/0000:00:05.0", "bus/pci/devices/0000:00:06.0", "bus/pci/drivers/vfio-pci");
        File.CreateSymbolicLink(_sysfs.File("bus/pci/devices/0000:00:05.0/driver"), "../../drivers/vfio-pci");

        Assert.Equal("vfio-pci", new PciAddress(0, 0, 5, 0).FindDriver(_sysfs.Path));
        Assert.Null(new PciAddress(0, 0, 6, 0).FindDriver(_sysfs.Path));
    }

    [Fact]
    public void OfAuxiliary_Subfunction_HasItsInterface()
    {
        Make("bus/auxiliary/devices/mlx5_core.sf.2/net/eth9");

        Assert.True(DeviceInterfaces.IsAuxiliary("mlx5_core.sf.2", _sysfs.Path));
        Assert.False(DeviceInterfaces.IsAuxiliary("mlx5_core.sf.3", _sysfs.Path));
        Assert.Equal(["eth9"], DeviceInterfaces.OfAuxiliary("mlx5_core.sf.2", _sysfs.Path));
        Assert.Throws<ArgumentException>(() => DeviceInterfaces.OfAuxiliary("../x", _sysfs.Path));
    }

    [Fact]
    public void OfPath_BelowDevices_HasItsInterface()
    {
        Make("devices/pci0000:00/0000:00:19.0/net/eth2");

        Assert.Equal(["eth2"], DeviceInterfaces.OfPath($"{_sysfs.Path}/devices/pci0000:00/0000:00:19.0", _sysfs.Path));
        Assert.Throws<ArgumentException>(() => DeviceInterfaces.OfPath($"{_sysfs.Path}/devices/../bus", _sysfs.Path));
        Assert.Throws<ArgumentException>(() => DeviceInterfaces.OfPath("devices/x", _sysfs.Path));
    }
}
